"""The core of Tapeprint, without Qt or sockets; only `app.entry`, which starts the program, imports the screen and the feeds."""

__version__ = "0.1.0"
