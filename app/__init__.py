"""Tapeprint without its screen: no Qt, no sockets. `app.entry` is the roof over all rooms."""
