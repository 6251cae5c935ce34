"""Layers that draw volume profiles, their flags and lines, and TPO profiles."""
