"""Hit tests: the values drawn at a point of the chart, with their explanations."""
