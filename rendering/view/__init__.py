"""Positions: what is in view, and where it lies on the screen."""
