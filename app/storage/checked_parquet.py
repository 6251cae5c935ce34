"""Parquet files of whole numbers: written as a whole, with checksums on their pages and on what they say of themselves."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from app.errors import StoreError
from app.storage.atomic import atomic_file

ROW_GROUP = 1 << 17  # what a look at some hours of a busy day has to decode at least
META_KEY = b"tapeprint"
"""Where in the schema's metadata a file says what it is."""
BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError, msgspec.DecodeError, ValueError, KeyError, ArithmeticError)
"""What reading a damaged file may raise."""


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table of whole numbers so that the file is there as a whole or not at all.

    Raises
    ------
    StoreError
        If the disk does not take it.
    """
    plain = [name for name in table.column_names if name != "side"]
    with atomic_file(path) as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            row_group_size=ROW_GROUP,
            use_dictionary=["side"] if "side" in table.column_names else False,  # type: ignore[arg-type]
            column_encoding=dict.fromkeys(plain, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
        )


def add_checksum(text: bytes) -> bytes:
    """A text with its checksum before it: Parquet protects its pages, but not what a file says of itself."""
    return b"%08x " % zlib.crc32(text) + text


def verify_checksum(sealed: bytes) -> bytes:
    """The text.

    Raises
    ------
    ValueError
        If it does not fit its checksum.
    """
    text = sealed[9:]
    if sealed[:9] != b"%08x " % zlib.crc32(text):
        raise ValueError("metadata checksum mismatch")
    return text


def damage_error(path: Path, error: Exception) -> StoreError:
    """That a file cannot be read, and why, in a line."""
    why = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())[:200] or type(error).__name__
    return StoreError(f"cannot read {path}: {why}")
