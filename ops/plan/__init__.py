"""Terraform's plans: read, judged, told on pull requests and in issues."""
