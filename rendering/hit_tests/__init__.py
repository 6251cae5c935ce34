"""What is drawn at a point of the chart, for explanations."""
