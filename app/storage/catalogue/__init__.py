"""The catalogue of a store: markets, tape ranges, facts, and what is owed, in one SQLite file."""
