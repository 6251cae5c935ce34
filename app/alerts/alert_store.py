"""Alerts, the scan progress of each market and the log of fired alerts, in files."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import structlog
from msgspec import Meta

from app.alerts.alert import Alert, AlertSpec, FiredAlert, MissedRange, ScanProgress, Trigger, UnmonitoredSpan
from app.alerts.firing_index import FiringIndex
from app.alerts.subjects import value_in_steps
from app.errors import StoreError, one_line
from app.market.instrument import Instrument
from app.storage.atomic import write_atomically

_log = structlog.get_logger(__name__)

_MOST_LOGGED = 1_000  # entries of the log in memory
_TAIL_BYTES = 400 * _MOST_LOGGED  # end of the log file that is read when the program starts
_SAVE_EVERY_NS = 60_000_000_000  # after a kill this much is scanned again: nothing fires twice, but it is logged as not monitored
_MAX_NOTE = 200
_CUT_SHORT = "Input data was truncated"  # msgspec's words
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]


class _Saved(msgspec.Struct):
    """The content of the alert file; unknown fields of other versions are ignored."""

    alerts: list[Alert] = []
    next_number: _Count = 1
    logged: _Count = 0
    told: _Count = 0
    reached: dict[str, ScanProgress] = {}
    stretches: dict[str, tuple[MissedRange, ...]] = {}


class AlertStore:
    """All alerts of the user and the log of those that fired, saved in files.

    Parameters
    ----------
    path : Path or None
        The alert file; None saves nothing. A file that cannot be read is renamed, and `trouble` has the reason.

    Attributes
    ----------
    log : deque of FiredAlert and UnmonitoredSpan
        The newest thousand entries, oldest first; `fired.jsonl` in the same folder has all of them.
    fired_count : int
        Number of firings since the log began.
    revision : int
        Grows when an alert is added, changed, armed, disarmed or deleted.
    trouble : str
        Why the alerts could not be read or saved; empty if all is well.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.log: deque[FiredAlert | UnmonitoredSpan] = deque(maxlen=_MOST_LOGGED)
        self.fired_count = 0
        self.revision = 0
        self.trouble = self._damage = ""
        self.opened: set[str] = set()
        """Ids of the markets that have been opened since the program was started."""
        self._last: dict[int, FiredAlert] = {}
        self._firings = FiringIndex()
        self._unread = 0  # bytes at the beginning of the log file, which are read when they are needed
        self._saved_ns: dict[str, int] = {}
        self._saved = _Saved() if path is None or not path.exists() else self._read(path)
        self._read_log()

    # -- reading ---------------------------------------------------------------------------------

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All alerts, in the order in which they were added."""
        return tuple(self._saved.alerts)

    def get(self, number: int) -> Alert | None:
        """The alert with this number; None if there is none."""
        return next((alert for alert in self._saved.alerts if alert.number == number), None)

    def of(self, instrument_id: str) -> list[Alert]:
        """The armed alerts of a market."""
        return [alert for alert in self._saved.alerts if alert.armed and alert.instrument == instrument_id]

    def last_fired(self, number: int) -> FiredAlert | None:
        """The last logged firing of an alert; None if the loaded part of the log has none."""
        return self._last.get(number)

    def fired_in(self, number: int, start_ns: int, end_ns: int) -> bool:
        """True if the log has an entry of this alert for a trade with a time in `[start_ns, end_ns)`."""
        last = self._last.get(number)
        if last is not None and last.time_ns < start_ns and self._newest(last):
            return False
        return self._firings.any_in(number, start_ns, end_ns) or (self._look_back() and self._firings.any_in(number, start_ns, end_ns))

    def knows(self, fired: FiredAlert) -> bool:
        """True if the log has this firing: the same alert, time, trade id and text."""
        last = self._last.get(fired.alert)
        if last is not None and fired.time_ns > last.time_ns and self._newest(last):
            return False
        return self._firings.has(fired) or (self._look_back() and self._firings.has(fired))

    def reached(self, instrument_id: str) -> ScanProgress | None:
        """The scan progress of a market: its last scanned trade; None if no trade has been scanned."""
        return self._saved.reached.get(instrument_id)

    def missed_ranges(self, instrument_id: str) -> tuple[MissedRange, ...]:
        """A market's ranges of missed trades that are still to be scanned, oldest first."""
        return self._saved.stretches.get(instrument_id, ())

    def unannounced(self) -> list[FiredAlert]:
        """The fired alerts in the loaded part of the log that have not been announced yet, oldest first."""
        if self._saved.told == self.fired_count:
            return []
        return [fired for fired in self.log if isinstance(fired, FiredAlert) and fired.n > self._saved.told]

    # -- changing --------------------------------------------------------------------------------

    def add(self, instrument: Instrument, spec: AlertSpec) -> Alert:
        """Add an alert, arm it at once, save the file and return the alert; its note is cut to 200 characters.

        Raises
        ------
        BadInputError
            If the condition does not apply to the subject, the value can never be reached, or it is not a whole number of ticks or lots.
        """
        number = self._saved.next_number
        alert = self._alert(instrument, number, spec)
        self._saved.next_number += 1
        self._replace_alerts([*self._saved.alerts, alert])
        return alert

    def change(self, instrument: Instrument, number: int, spec: AlertSpec) -> Alert:
        """Replace the definition of an alert, arm it, save the file and return the alert; raises the same errors as `add`.

        An unknown number changes no alert.
        """
        changed = self._alert(instrument, number, spec)
        self._replace_alerts([changed if alert.number == number else alert for alert in self._saved.alerts])
        return changed

    def delete(self, number: int) -> None:
        """Delete an alert and save the file; an unknown number is ignored."""
        self._replace_alerts([alert for alert in self._saved.alerts if alert.number != number])

    def arm(self, number: int) -> None:
        """Arm a fired alert again and save the file; trades before the last scanned one do not fire it. An unknown number is ignored."""
        self._replace_alerts([self._armed(alert) if alert.number == number else alert for alert in self._saved.alerts])

    def note_reached(
        self, instrument_id: str, reached: ScanProgress | None, stretches: tuple[MissedRange, ...], fired: list[FiredAlert]
    ) -> None:
        """Record a market's scan progress and missed ranges, log the alerts that fired, and disarm those that fire only once.

        The firings are in the log before the progress is saved. The file is saved if an alert fired or the missed ranges changed, else once
        per minute of trades while there are alerts.
        """
        before = self.missed_ranges(instrument_id)
        if reached is not None:
            self._saved.reached[instrument_id] = reached
        self._saved.stretches[instrument_id] = stretches
        self._disarm({past.alert for past in self._log_fired(fired)})
        time_ns = reached.time_ns if reached is not None else 0
        if (
            fired
            or stretches != before
            or (self._saved.alerts and time_ns - self._saved_ns.setdefault(instrument_id, time_ns) > _SAVE_EVERY_NS)
        ):
            self._saved_ns[instrument_id] = time_ns
            self.save()

    def note_unwatched(self, unwatched: UnmonitoredSpan) -> None:
        """Log a time span in which a market was not monitored, with the result of the late check."""
        self.log.append(unwatched)
        self._write_log([unwatched])

    def note_announced(self) -> None:
        """Mark all fired alerts as announced.

        This is saved with the next change: after a kill, alerts are announced again rather than never.
        """
        self._saved.told = self.fired_count

    def save(self) -> None:
        """Write the alert file; if that fails, `trouble` has the reason."""
        self._saved.logged = self.fired_count
        if self.path is None:
            return
        try:
            write_atomically(self.path, msgspec.json.format(msgspec.json.encode(self._saved)))
            self.trouble = self._damage
        except StoreError as error:
            self.trouble = f"alerts not saved: {error.user_message}"

    # -- private ---------------------------------------------------------------------------------

    def _alert(self, instrument: Instrument, number: int, spec: AlertSpec) -> Alert:
        value_in_steps(instrument, spec)
        alert = Alert(
            number=number,
            instrument=instrument.id,
            subject=spec.subject,
            when=spec.when,
            value=spec.value,
            often=spec.often,
            note=spec.note[:_MAX_NOTE],
            sound=spec.sound,
        )
        return self._armed(alert)

    def _armed(self, alert: Alert) -> Alert:
        reached = self.reached(alert.instrument)
        return msgspec.structs.replace(alert, armed=True, armed_ns=reached.time_ns if reached else 0)

    def _disarm(self, fired: set[int]) -> None:
        """Disarm the alerts among `fired` that fire only once."""
        spent = {alert.number for alert in self._saved.alerts if alert.number in fired and alert.often is Trigger.ONCE} if fired else ()
        if spent:
            disarmed = [msgspec.structs.replace(alert, armed=False) if alert.number in spent else alert for alert in self._saved.alerts]
            self._saved.alerts = disarmed
            self.revision += 1

    def _replace_alerts(self, alerts: list[Alert]) -> None:
        self._saved.alerts = alerts
        self.revision += 1
        self.save()

    def _newest(self, fired: FiredAlert) -> bool:
        """True if the last logged firing of an alert is certainly also its latest in time.

        A firing that was checked late may be older than others.
        """
        return not fired.late

    def _log_fired(self, fired: list[FiredAlert]) -> list[FiredAlert]:
        numbered = [msgspec.structs.replace(past, n=self.fired_count + place) for place, past in enumerate(fired, 1)]
        self.fired_count += len(fired)
        self.log.extend(numbered)
        for past in numbered:
            self._note(past)
        self._write_log(numbered)
        return numbered

    def _read(self, path: Path) -> _Saved:
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Saved)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = one_line(str(error), 120)
        aside = path.with_name(f"{path.name}.damaged")
        try:
            path.replace(aside)
            self.trouble = f"{path}: unreadable alert list ({reason}); renamed to {aside.name}, no alerts are active"
        except OSError as error:
            self.path, self.trouble = None, f"{path}: unreadable alert list ({reason}), and it could not be renamed: {error.strerror}"
        self._damage = self.trouble
        _log.warning("alerts not loaded", reason=self.trouble)
        return _Saved()

    @property
    def _log_path(self) -> Path | None:
        return None if self.path is None else self.path.with_name("fired.jsonl")

    def _read_log(self) -> None:
        """Read up to 1,000 of the log file's newest entries; disarm one-time alerts that fired after the alert file was last saved.

        Lines that a kill cut short are skipped silently; other lines that cannot be read are skipped and reported.
        """
        path = self._log_path
        if path is None or not path.exists():
            return
        try:
            with path.open("rb") as file:
                at = file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
                begin = file.readline() if at else b""  # in the middle of a file, the first line lacks its beginning
                lines = file.read().split(b"\n")
        except OSError as error:
            self.trouble = f"cannot read the alert log: {error.strerror or error}"
            return
        self._unread = at + len(begin)
        decoder = msgspec.json.Decoder(FiredAlert | UnmonitoredSpan)
        unread: list[str] = []
        for line in filter(None, map(bytes.strip, lines)):
            try:
                past = decoder.decode(line)
                self.log.append(past)
                if isinstance(past, FiredAlert):
                    self._note(past)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if str(error) != _CUT_SHORT:
                    unread.append(one_line(str(error), 120))
        if unread:
            lines_of = f"{len(unread):,} line{'s' if len(unread) > 1 else ''}"
            self._damage = self._damage or f"{path}: {lines_of} of the alert log skipped: {unread[0]}, expected a fired alert"
            self.trouble = self.trouble or self._damage
        for past in self.log:
            if isinstance(past, FiredAlert):
                self.fired_count = max(self.fired_count, past.n)
        # a kill between the two writes: an alert that is in the log has fired
        self._disarm({past.alert for past in self.log if isinstance(past, FiredAlert) and past.n > self._saved.logged})

    def _look_back(self) -> bool:
        """Read the beginning of the log file too; return False if there is none that was not read."""
        path, size = self._log_path, self._unread
        self._unread = 0
        if path is None or not size:
            return False
        decoder = msgspec.json.Decoder(FiredAlert | UnmonitoredSpan)
        try:
            with path.open("rb") as file:
                lines = file.read(size).split(b"\n")
        except OSError as error:
            self.trouble = f"cannot read the alert log: {error.strerror or error}"
            return False
        for line in lines:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                if isinstance(past := decoder.decode(line), FiredAlert):
                    self._firings.add(past)
        return True

    def _note(self, fired: FiredAlert) -> None:
        self._last[fired.alert] = fired
        self._firings.add(fired)

    def _write_log(self, entries: list[FiredAlert] | list[UnmonitoredSpan]) -> None:
        path = self._log_path
        if path is None or not entries:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                # each entry begins with a line break, so that an entry cut short by a kill does not damage the next one
                file.write(b"".join(b"\n" + msgspec.json.encode(entry) for entry in entries))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.trouble = f"cannot write the alert log: {error.strerror or error}"
