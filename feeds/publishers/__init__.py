"""Downloads of trades that venues and data vendors publish as files."""
