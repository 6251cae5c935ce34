"""Small widgets for dialogs and panels, and alert sounds, palettes and typed times."""
