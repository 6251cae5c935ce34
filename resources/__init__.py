"""Themes, fonts, shaders and lists that come with the program."""
