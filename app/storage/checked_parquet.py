"""Parquet files of integers, written atomically, with checksums of the pages and of the metadata."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.errors import StoreError
from app.storage.atomic import atomic_file
from app.storage.open_folder import OpenFolder

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 1 << 17  # the least that reading a few hours of a busy day has to decode
META_KEY = b"tapeprint"
"""Key of our metadata in a file's schema."""


_OF_THE_FILE = {None, errno.EIO, errno.EINVAL, errno.EISDIR, errno.EOVERFLOW}
"""Numbers of the errors that reading a damaged file may raise; all others are of the disk, the drive, or this process."""


class UnavailableFileError(StoreError):
    """Raised when a file, which may be undamaged, cannot be read, e.g. as its network drive is gone or too many files are open."""


@cache
def broken() -> tuple[type[Exception], ...]:
    """The exception types that reading a damaged Parquet file may raise."""
    import pyarrow as pa  # in the functions that need it: it takes long to load

    return pa.ArrowException, OSError, UnicodeDecodeError, msgspec.DecodeError, ValueError, KeyError, ArithmeticError, RecursionError


def write_parquet(path: Path, table: pa.Table, within: OpenFolder | None = None) -> None:
    """Write a table of integers to a Parquet file, atomically; in an open folder, if one is given.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    import pyarrow.parquet as pq

    plain = [name for name in table.column_names if name != "side"]
    with atomic_file(path, within) as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            row_group_size=ROW_GROUP,
            use_dictionary=["side"] if "side" in table.column_names else False,
            column_encoding=dict.fromkeys(plain, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
        )


@contextmanager
def open_parquet(path: Path, within: OpenFolder | None = None) -> Generator[pq.ParquetFile]:
    """Context with a Parquet file open for reading; in an open folder, if one is given. Raises one of the types in `broken`."""
    import pyarrow.parquet as pq

    if within is None:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    else:
        with within.open(path) as source, pq.ParquetFile(source, page_checksum_verification=True) as file:
            yield file


def add_checksum(text: bytes) -> bytes:
    """Put a CRC-32 checksum (8 hex digits and a space) in front of metadata, because Parquet checks only its pages."""
    return b"%08x " % zlib.crc32(text) + text


def verify_checksum(sealed: bytes) -> bytes:
    """Check metadata that has a checksum in front (see `add_checksum`), and return it without the checksum.

    Raises
    ------
    ValueError
        If the metadata does not match the checksum.
    """
    text = sealed[9:]
    if sealed[:9] != b"%08x " % zlib.crc32(text):
        raise ValueError("metadata checksum mismatch")
    return text


def damage_error(path: Path, error: Exception) -> StoreError:
    """Make the `StoreError` for a file that cannot be read, with the reason in one line of at most 200 characters.

    It is an `UnavailableFileError` if the reason is not damage.
    """
    why = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())[:200] or type(error).__name__
    kind = UnavailableFileError if isinstance(error, OSError) and error.errno not in _OF_THE_FILE else StoreError
    return kind(f"cannot read {path}: {why}")
