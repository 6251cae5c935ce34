"""The table of actions: menus, keys and tooltips, one file a family."""
