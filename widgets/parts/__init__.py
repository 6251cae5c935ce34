"""Small widgets that dialogs and panels are made of."""
