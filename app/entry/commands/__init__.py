"""The commands of `tapeprint`, one file each, named like the command."""
