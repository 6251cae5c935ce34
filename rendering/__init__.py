"""The drawing of the chart: its layers, the two painters of bars and cells, the view, the colours and the hit tests."""
