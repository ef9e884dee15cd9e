"""Services and their tasks."""
