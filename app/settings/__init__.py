"""Settings: self-describing fields, calculation settings, and the settings file."""
