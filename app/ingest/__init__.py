"""The pump from feed to store and chart: live trades, history, gaps, backfill and retries."""
