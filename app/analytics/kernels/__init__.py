"""The inner loops that turn trades into bars and cells: in numpy, and the same ones compiled where the extra `fast` is installed."""
