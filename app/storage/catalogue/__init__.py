"""The catalogue of a store: markets, tape ranges, facts and owed trades, in one SQLite file."""
