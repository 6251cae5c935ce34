"""Supervised WebSockets, rate-limited REST, and errors that name what failed."""
