"""CSV files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Literal, Protocol

from . import BufferOutputStream, DataType, RecordBatch, Schema, Table

class _Readable(Protocol):
    @property
    def closed(self) -> bool: ...
    def read(self, size: int = -1, /) -> bytes: ...

class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...

class ReadOptions:
    def __init__(
        self, *, block_size: int | None = None, skip_rows: int | None = None, column_names: Sequence[str] | None = None
    ) -> None: ...

class ParseOptions:
    def __init__(self, *, invalid_row_handler: Callable[[object], str] | None = None) -> None: ...

class ConvertOptions:
    def __init__(
        self,
        *,
        column_types: Mapping[str, DataType] | None = None,
        strings_can_be_null: bool | None = None,
        include_columns: Sequence[str] | None = None,
    ) -> None: ...

class WriteOptions:
    def __init__(
        self, include_header: bool | None = None, *, quoting_style: Literal["needed", "all_valid", "none"] | None = None
    ) -> None: ...

class CSVWriter:
    def __init__(self, sink: _Writable, schema: Schema, write_options: WriteOptions | None = None) -> None: ...
    def __enter__(self) -> CSVWriter: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...
    def write_batch(self, batch: RecordBatch) -> None: ...

class CSVStreamingReader:
    def __iter__(self) -> Iterator[RecordBatch]: ...

def open_csv(
    input_file: _Readable,
    read_options: ReadOptions | None = None,
    parse_options: ParseOptions | None = None,
    convert_options: ConvertOptions | None = None,
) -> CSVStreamingReader: ...
def write_csv(
    data: Table | RecordBatch, output_file: BufferOutputStream | _Writable, write_options: WriteOptions | None = None
) -> None: ...
