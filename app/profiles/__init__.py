"""Everything a user places on a chart: profiles with their settings, values, history, file and undo."""
