"""The panels of alerts, levels and explanations, and the replay bar."""
