"""Settings: fields that describe themselves, calculation settings, and the settings file."""
