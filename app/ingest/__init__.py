"""The pump from feed to store and chart: live trades, history, gaps and backfill."""
