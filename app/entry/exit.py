"""The end of a process that could not record all trades, and of one whose disk does not answer."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from app.storage.recording_status import RecordingStatus


def unrecorded_text(instrument_id: str, count: int, status: RecordingStatus) -> str:
    """One line on the trades of a market that were received and are not on disk."""
    trades = "1 trade was" if count == 1 else f"{count:,} trades were"
    return f"{instrument_id}: {trades} received but not recorded{f' ({status.reason})' if status.reason else ''}"


def leave_at_once(code: int) -> NoReturn:
    """End the process without waiting for threads that a disk keeps from ending."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
