"""Volume profiles and TPO."""
