"""Windows and tools: what the user touches."""
