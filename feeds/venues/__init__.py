"""The venues, a folder each; `all_venues` lists them."""
