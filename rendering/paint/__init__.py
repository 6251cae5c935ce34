"""The two painters of bars and cells, OpenGL and raster, and the geometry that they share."""
