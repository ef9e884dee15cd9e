"""What `scripts/users` does: users, keys and budgets, by the gateway's API for administration."""
