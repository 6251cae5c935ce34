"""The main window with its toolbar, status bar and banner, and the help window."""
