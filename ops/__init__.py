"""Runs the platform: `python -m ops --help`."""
