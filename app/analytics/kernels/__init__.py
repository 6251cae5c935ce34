"""The inner loops that turn trades into bars and cells: in numpy, or compiled by numba if the package's extra `fast` is installed."""
