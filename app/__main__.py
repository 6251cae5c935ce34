"""Start Tapeprint: `python -m app` is the same as `tapeprint`."""

from app.entry.cli import main

main()
