"""The chart as a scene of layers, images of it, and positions of panels over it."""
