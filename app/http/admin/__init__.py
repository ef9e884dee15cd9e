"""Administration, on the internal port alone: LiteLLM's paths, field names and shapes."""
