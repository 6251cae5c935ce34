"""The main window with its toolbar, status bar and banners."""
