"""The chart widget, its mouse tools and context menu, and its requests for history."""
