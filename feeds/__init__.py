"""What brings trades in: venues, files, the simulated market, replay."""
