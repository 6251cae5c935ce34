"""The commands of `tapeprint`: one file per command, named like the command, and the files that they share."""
