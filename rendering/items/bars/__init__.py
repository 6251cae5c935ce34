"""Layers that draw bars, cells, and marks on them."""
