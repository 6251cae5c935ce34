"""Tapeprint without its screen: no Qt, no sockets. `app.entry` is the roof over all rooms."""

__version__ = "0.1.0"
