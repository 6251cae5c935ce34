"""The venues, one folder each; `all_venues` lists them."""
