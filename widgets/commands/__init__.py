"""The user's commands with their menus, keys and tooltips, one file per group."""
