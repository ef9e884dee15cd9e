"""The gateway, by HTTP."""
