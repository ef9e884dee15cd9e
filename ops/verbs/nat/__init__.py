"""The NAT instance."""
