"""The catalogue of a store, one SQLite file: markets, their facts, tape ranges, newest, owed and settled trades."""
