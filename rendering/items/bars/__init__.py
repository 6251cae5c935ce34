"""Bars and cells, and marks on them."""
