"""What `scripts/import-litellm` does. Keys are stored as SHA-256 by both sides, so they go on
working; since no API takes a key by its hash, it is the one script that writes the gateway's tables
itself, in the gateway's own words.
"""
