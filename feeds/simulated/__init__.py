"""The built-in simulated market, for a demo without a network."""
