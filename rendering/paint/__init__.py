"""The two painters of bars and cells, and the geometry they share."""
