"""The layers of the chart, in one folder for each kind of content that they draw."""
