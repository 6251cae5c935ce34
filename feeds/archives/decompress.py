"""Plain and packed files as byte streams, safe against zip bombs."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from app.errors import TradeFileError

_MAX_BYTES = 64 << 30  # a month of the busiest market unpacks to less than a tenth of it
_MAX_MEMBERS = 64
_MAX_DIRECTORY = 1 << 18  # bytes of a zip's list of members, enough for thousands; it is read before they can be counted
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # other methods may need gigabytes before they return a byte
_MAX_RATIO = 200  # text packs ten to thirty times; beyond this it is a zip bomb
_BROKEN = (
    *(zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, struct.error, UnicodeDecodeError),  # raised by zipfile for a forged directory
)


@contextmanager
def open_decompressed(path: Path) -> Generator[IO[bytes]]:
    """Open a plain, .gz or .zip file as a stream of unpacked bytes.

    The first bytes decide the format. A zip must contain exactly one .csv file; its path is ignored and nothing is written to disk.

    Raises
    ------
    TradeFileError
        If the file is missing, not a file, damaged, or unpacks beyond the limits.
    """
    try:
        with path.open("rb") as file:
            magic = file.peek(4)[:4]
            promised = None
            if magic[:2] == b"\x1f\x8b":
                packed: Any = gzip.GzipFile(fileobj=file)
            elif magic in (b"PK\x03\x04", b"PK\x05\x06"):
                packed, promised = _only_member(path, file)
            else:
                yield file
                return
            yield io.BufferedReader(_Measured(packed, path, path.stat().st_size, promised), 1 << 20)
    except _BROKEN as error:
        raise TradeFileError(path, None, f"a damaged archive ({error})", "a complete .gz or .zip file") from None
    except IsADirectoryError:
        raise TradeFileError(path, None, "a folder", "a trades file") from None
    except OSError as error:
        raise TradeFileError(path, None, error.strerror or str(error), "a readable trades file") from None


def is_parquet(path: Path) -> bool:
    """True if a file begins with the Parquet signature; False if it cannot be read.

    Also False for a pipe, as reading would consume its bytes.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def is_empty(path: Path) -> bool:
    """True if a file is empty once unpacked, as publishers may deliver a day without trades.

    Raises
    ------
    TradeFileError
        See `open_decompressed`.
    """
    with open_decompressed(path) as stream:
        return not stream.read(1)


class _Measured(io.RawIOBase):
    """The unpacked bytes of an archive as a stream; raises if there are more than allowed, or fewer or more than declared."""

    def __init__(self, packed: IO[bytes], path: Path, packed_bytes: int, promised: int | None) -> None:
        self._packed, self._path, self._promised = packed, path, promised
        self._allowed = min(_MAX_BYTES, max(packed_bytes, 1 << 16) * _MAX_RATIO)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._packed.read(len(buffer))
        self._read += len(data)
        if self._read > self._allowed:
            raise TradeFileError(
                self._path, None, f"more than {self._allowed:,} unpacked bytes", f"at most {_MAX_RATIO} times the packed size"
            )
        if not data and self._promised not in (None, self._read):  # zipfile checks no checksum of a file that ends too early
            raise zipfile.BadZipFile(f"{self._read:,} bytes, {self._promised:,} declared")
        buffer[: len(data)] = data
        return len(data)


class _Guarded(io.RawIOBase):
    """A zip file's bytes as a stream; while `limit` is set, raises if one read returns more bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.limit: int | None = _MAX_DIRECTORY

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        if self.limit is None:
            return self._file.read(size)
        data = self._file.read(self.limit + 1 if size < 0 else min(size, self.limit + 1))
        if len(data) > self.limit:
            raise zipfile.BadZipFile("too many members")
        return data


def _only_member(path: Path, file: IO[bytes]) -> tuple[IO[bytes], int]:
    """Open the only .csv file in a zip, and return it with the unpacked size that the zip declares.

    Raises `TradeFileError` if the zip has no .csv file, several, or more than 64 files, or if the .csv file is encrypted or packed by
    an unsupported method.
    """
    guarded = _Guarded(file)
    archive = zipfile.ZipFile(guarded)
    guarded.limit = None
    members = archive.infolist()
    tables = [entry for entry in members if entry.filename.lower().endswith(".csv")]
    if len(tables) != 1 or len(members) > _MAX_MEMBERS:
        found = f"a zip with {len(tables):,} .csv files among {len(members):,}"
        raise TradeFileError(path, None, found, f"a zip of at most {_MAX_MEMBERS} files, of which one is a .csv")
    table = tables[0]
    if table.flag_bits & 1:
        raise TradeFileError(path, None, "an encrypted zip", "one without a password")
    if table.compress_type not in _METHODS:
        raise TradeFileError(path, None, f"a zip packed by method {table.compress_type}", "one that is stored or deflated")
    return archive.open(table), table.file_size
