"""Sources of trades: venues, files, the simulated market, replay."""
