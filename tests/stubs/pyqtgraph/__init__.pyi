"""The part of pyqtgraph that the program uses; it has no types of its own."""
