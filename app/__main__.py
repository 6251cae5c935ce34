"""`python -m app` is `tapeprint`."""

from app.entry.cli import main

main()
