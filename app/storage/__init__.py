"""Where trades are kept, each exactly once."""
