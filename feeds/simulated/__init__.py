"""The built-in market, for a demo without a network."""
