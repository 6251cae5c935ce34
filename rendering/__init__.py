"""Arrays into pixels: the layers of the chart, and the two painters of its cells."""
