"""The catalogue of a store: markets, tape ranges, newest trades and owed trades, in one SQLite file."""
