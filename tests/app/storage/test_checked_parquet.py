"""Parquet files have checksums of pages and metadata, and damage is named in one line."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import StoreError
from app.storage.checked_parquet import META_KEY, ROW_GROUP, add_checksum, broken, damage_error, verify_checksum, write_parquet

TABLE = pa.table({"time_ns": np.arange(1000) * 10**9, "side": np.tile(np.array([1, -1], np.int8), 500)})


def test_a_table_reads_back_with_its_types_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "day.parquet"
    write_parquet(path, TABLE.replace_schema_metadata({META_KEY: b"x"}))
    read = pq.read_table(path)
    assert read.equals(TABLE)
    assert read.schema.metadata[META_KEY] == b"x"
    assert META_KEY == b"tapeprint"


def test_integers_are_stored_as_differences_and_sides_as_a_dictionary(tmp_path: Path) -> None:
    write_parquet(tmp_path / "day.parquet", TABLE)
    group = pq.ParquetFile(tmp_path / "day.parquet").metadata.row_group(0)
    time_ns, side = group.column(0), group.column(1)
    assert "DELTA_BINARY_PACKED" in time_ns.encodings and not time_ns.has_dictionary_page
    assert "DELTA_BINARY_PACKED" not in side.encodings and side.has_dictionary_page
    assert (time_ns.compression, side.compression) == ("ZSTD", "ZSTD")


def test_a_table_without_sides_has_no_dictionary(tmp_path: Path) -> None:
    write_parquet(tmp_path / "cells.parquet", TABLE.select(["time_ns"]))
    assert not pq.ParquetFile(tmp_path / "cells.parquet").metadata.row_group(0).column(0).has_dictionary_page


def test_a_long_table_is_cut_into_row_groups(tmp_path: Path) -> None:
    write_parquet(tmp_path / "day.parquet", pa.table({"time_ns": np.arange(ROW_GROUP + 1)}))
    metadata = pq.ParquetFile(tmp_path / "day.parquet").metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [131_072, 1]


def test_a_changed_byte_of_a_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "day.parquet"
    write_parquet(path, TABLE)
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(0)
        last = column.data_page_offset + column.total_compressed_size - 1  # a byte of the page, and not of its header
    content = bytearray(path.read_bytes())
    content[last] ^= 1
    path.write_bytes(content)
    with pytest.raises(broken(), match="CRC"), pq.ParquetFile(path, page_checksum_verification=True) as file:
        file.read()


def test_a_file_that_cannot_be_written_raises_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(StoreError, match=r"^cannot write .*day\.parquet: "):
        write_parquet(tmp_path / "folder" / "day.parquet", TABLE)


def test_a_checksum_stands_before_the_text() -> None:
    assert add_checksum(b"123456789") == b"cbf43926 123456789"  # the check value that CRC-32 is known by
    assert add_checksum(b"") == b"00000000 "


@pytest.mark.parametrize("text", [b"", b"{}", "é".encode(), b"x" * 1000])
def test_a_text_reads_back_without_its_checksum(text: bytes) -> None:
    assert verify_checksum(add_checksum(text)) == text


@pytest.mark.parametrize("sealed", [b"", b"cbf43926 123456788", b"cbf43927 123456789", b"cbf43926123456789", b"CBF43926 123456789"])
def test_a_text_that_does_not_match_its_checksum_is_refused(sealed: bytes) -> None:
    with pytest.raises(ValueError, match=r"^metadata checksum mismatch$"):
        verify_checksum(sealed)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOENT, "No such file or directory"), "No such file or directory"),
        (OSError("Couldn't deserialize\n  thrift"), "Couldn't deserialize thrift"),
        (ValueError("a\n\tb"), "a b"),
        (ValueError("x" * 500), "x" * 200),
        (KeyError(), "KeyError"),
    ],
)
def test_damage_is_named_in_one_line(error: Exception, why: str) -> None:
    assert damage_error(Path("day.parquet"), error).user_message == f"cannot read day.parquet: {why}"
