"""The dialogs for alerts, calculation settings and profiles."""
