"""Supervised WebSockets, REST within limits, and errors that say what failed."""
