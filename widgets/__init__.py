"""Windows, panels, dialogs and mouse tools."""
