"""Layers that draw volume profiles and TPO profiles."""
