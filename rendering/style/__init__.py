"""Colours, text and labels."""
