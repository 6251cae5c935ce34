"""The end of a process that records trades: it reports trades that were not recorded, and does not wait for a disk that hangs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from app.entry.commands.common import print_note
from app.storage.recording_status import RecordingStatus


def report_unrecorded(unrecorded: Sequence[tuple[str, int, RecordingStatus]], *, disk_hangs: bool) -> int:
    """Print for each market the number of trades that were received but not recorded; return exit code 1 if there are any, else 0.

    Parameters
    ----------
    unrecorded : sequence
        Instrument id, number of such trades and recording status of each market.
    disk_hangs : bool
        True ends the process at once with exit code 1, because threads that wait for the disk may never end.
    """
    for instrument_id, count, status in unrecorded:
        trades = "1 trade was" if count == 1 else f"{count:,} trades were"
        print_note(f"{instrument_id}: {trades} received but not recorded{f' ({status.reason})' if status.reason else ''}")
    if disk_hangs:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
    return 1 if unrecorded else 0
