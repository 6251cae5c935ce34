"""Profiles that a user puts on a chart: settings, values, history, file and undo."""
