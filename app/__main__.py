"""Start Tapeprint: `python -m app` is the same as `tapeprint`."""

import sys

from app import __version__


def main() -> None:
    """Run the command line; for `--version` alone, print the version without loading anything else."""
    if sys.argv[1:] == ["--version"]:
        print(__version__)  # noqa: T201
        return
    from app.entry.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
