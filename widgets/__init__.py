"""Windows, panels, dialogs, commands and mouse tools."""
