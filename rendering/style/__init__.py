"""Colours, fonts, number formats and axis labels."""
