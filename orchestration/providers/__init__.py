"""Providers land bytes as they came; none of them knows what happens downstream."""
