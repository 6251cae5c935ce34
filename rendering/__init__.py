"""The layers of the chart, and the two painters that turn arrays into pixels."""
