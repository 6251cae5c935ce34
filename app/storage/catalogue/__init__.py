"""The catalogue of a store: markets, tape ranges, newest and owed trades, facts, and what need not be fetched again; an SQLite file."""
