"""Keys and passwords."""
