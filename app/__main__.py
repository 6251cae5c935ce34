"""Start Tapeprint: `python -m app` is the same as `tapeprint`."""

import gc
import importlib
import sys

from app import __version__

_NEW_OBJECTS = 10_000


def main() -> None:
    """Run the command line; for `--version` alone, print the version without loading anything else."""
    if sys.argv[1:] == ["--version"]:
        print(__version__)  # noqa: T201
        return
    _start_fast()
    from app.entry.cli import main as run_command_line

    run_command_line()


def _start_fast() -> None:
    """Collect garbage less often, and load the log without `rich`, whose tracebacks it would print otherwise.

    Loading makes some 500,000 objects, none of them garbage: by default Python looks through all of them again and again, which takes
    as long as all of numpy.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    if "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment]  # as if it were not installed
        importlib.import_module("structlog")
        del sys.modules["rich"]


if __name__ == "__main__":
    main()
