"""Entry points of the program; this package imports all others, none imports it."""
