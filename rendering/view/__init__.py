"""The visible bars and prices, and their positions on the screen."""
