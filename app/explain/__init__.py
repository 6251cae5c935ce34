"""Why a figure is what it is: the rule by its name, the arithmetic in the market's own units, and the trades behind it. No screen."""
