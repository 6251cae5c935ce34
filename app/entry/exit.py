"""The end of a process that records trades: it reports trades that were not recorded, and does not wait for a disk that hangs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from app.entry.commands.common import print_note
from app.storage.recording_status import RecordingStatus


def report_unrecorded(unrecorded: Sequence[tuple[str, int, RecordingStatus]], *, disk_hangs: bool) -> int:
    """Print for each market the number of trades that were received but not recorded; return the exit code.

    Parameters
    ----------
    unrecorded : sequence
        Instrument id, number of trades and state of recording of each such market.
    disk_hangs : bool
        Ends the process at once, without waiting for threads that the disk keeps from ending.
    """
    for instrument_id, count, status in unrecorded:
        trades = "1 trade was" if count == 1 else f"{count:,} trades were"
        print_note(f"{instrument_id}: {trades} received but not recorded{f' ({status.reason})' if status.reason else ''}")
    if disk_hangs:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
    return 1 if unrecorded else 0
