"""The part of qasync that the program uses; it has no types of its own."""

import asyncio
from types import TracebackType

from PySide6.QtCore import QCoreApplication

class QEventLoop(asyncio.AbstractEventLoop):
    def __init__(self, app: QCoreApplication) -> None: ...
    def __enter__(self) -> QEventLoop: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...
