"""The chart as a scene of layers, images of the chart, and positions of panels over it."""
