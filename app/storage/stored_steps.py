"""The tick and lot sizes of a market's day files, listed in a file of their own, so that opening a market reads only new day files.

    <store>/<venue>/<symbol>/steps.json

The list can always be made again. A day file that has changed since it was listed is read again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import structlog

from app.errors import StoreError
from app.market.steps import Steps
from app.storage.atomic import write_atomically
from app.storage.day_file import read_meta
from app.storage.open_folder import OpenFolder

_log = structlog.get_logger(__name__)

FileStamp = tuple[str, int, int]
"""Name, size in bytes, and time of the last change in nanoseconds of a file."""
_FILE_NAME = "steps.json"


class _Listed(msgspec.Struct, frozen=True):
    """The stamps of the day files with the same tick and lot size."""

    tick_size: str
    lot_size: str
    files: list[FileStamp]


def stored_steps(folder: Path, files: Iterable[FileStamp], *, write: bool, within: OpenFolder | None = None) -> set[Steps]:
    """The tick and lot sizes of the readable day files in a market's folder; damaged files count for nothing.

    Parameters
    ----------
    folder : Path
        The folder of the market.
    files : iterable of FileStamp
        Of all day files.
    write : bool
        True stores the list, if a file was not in it or had changed.
    within : OpenFolder, optional
        The same folder, opened by its writer.
    """
    known = {
        stamp: Steps(Decimal(one.tick_size), Decimal(one.lot_size)) for one in _read(folder / _FILE_NAME, within) for stamp in one.files
    }
    found: dict[FileStamp, Steps] = {}
    for stamp in files:
        if stamp in known:
            found[stamp] = known[stamp]
        else:
            with suppress(StoreError):  # reading a damaged file raises an error of its own
                found[stamp] = read_meta(folder / "trades" / stamp[0], within).steps
    if write and not found.keys() <= known.keys():
        _write(folder / _FILE_NAME, found, within)
    return set(found.values())


def _read(path: Path, within: OpenFolder | None) -> list[_Listed]:
    """The stored list; empty if there is none, or if it is damaged."""
    try:
        with path.open("rb") if within is None else within.open(path) as file:
            checksum, _, text = file.read().partition(b"\n")
        return msgspec.json.decode(text, type=list[_Listed]) if checksum == b"%08x" % zlib.crc32(text) else []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []


def _write(path: Path, found: dict[FileStamp, Steps], within: OpenFolder | None) -> None:
    by_steps: dict[Steps, list[FileStamp]] = {}
    for stamp, steps in found.items():
        by_steps.setdefault(steps, []).append(stamp)
    text = msgspec.json.encode([_Listed(str(steps.tick_size), str(steps.lot_size), files) for steps, files in by_steps.items()])
    try:
        write_atomically(path, b"%08x\n" % zlib.crc32(text) + text, within)
    except StoreError as error:  # they are read from the day files again
        _log.info("list of tick and lot sizes not stored", reason=error.detail)
