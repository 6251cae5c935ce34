"""Layers that draw the axes and grid, last price, crosshair, legend, badge and the veil of the as-of view."""
