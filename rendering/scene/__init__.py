"""The whole chart: all layers together, and images of it."""
