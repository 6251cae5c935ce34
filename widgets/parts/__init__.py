"""Small widgets for dialogs and panels, and helpers for alert sounds, palettes and typed times."""
