"""The visible bars and prices, the panes, and the frame with all that layers need to draw."""
