"""Entry points of the program; this package imports all others, and only `app.__main__` imports it."""
