"""A store in a venue and on a machine where everything fails, compared with the venue's trades after each step.

The commands run as processes and are killed at random operations on disk, or at random times. `Chaos.check` holds at every
moment: what is stored is the venue's, each trade once; and what `verify` lists as missing is what is missing, trade by trade.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.day_file import merge_trades, read_day, read_own_steps
from app.storage.disk import DiskStore
from app.storage.epochs import raw_ids
from app.storage.tape import Tape
from app.storage.verify import verify
from tests.faults.collector import kept_ranges
from tests.faults.killing_disk import KillableCommand
from tests.venue_emulator import Refusal, VenueEmulator
from tests.venue_emulator.scripted_tape import UNIT, ScriptedTape

MARKET = "binance:BTCUSDT"
COMMANDS = ("collect", "import", "backfill", "verify --repair", "export")
_OPERATIONS = re.compile(r"operations on disk: (\d+)\n")
_ALL = Span(0, 1 << 62)
_HOUR_US = 3_600_000_000
_HISTORY_H = ((50.0, 49.0), (26.0, 25.0), (3.0, 2.0))
"""The hours before the opening in which trades happened."""
_MOST_IN_MS = 250
"""Trades a millisecond at most, as of more than a page a venue serves only the first page, once their ids have started again."""
_BY_IDS = re.compile(rf"{MARKET}: ([\d,]+) trades? missing, ids (\d+) to (\d+), \S+ to \S+( \(.+\))?")
_BY_TIME = re.compile(rf"{MARKET}: trades may be missing, \S+ to \S+( \(.+\))?")


@dataclass
class Checked:
    """The state of a store against the venue's trades.

    Attributes
    ----------
    stored, missing : int64 arrays
        Positions on the venue's tape: the stored trades, and those between the first and the last stored one that are not.
    listed : int
        Number of missing trades that `verify` lists by their ids; the others lie in times in which it says some may be missing.
    lines : list of str
        The lines of `verify`.
    """

    stored: np.ndarray
    missing: np.ndarray
    listed: int = 0
    lines: list[str] = field(default_factory=list)


class Chaos:
    """A venue with a scripted tape, a store, and the commands of the program as processes.

    Parameters
    ----------
    folder : Path
        Has the store and the files to import.
    seed : int
        Decides the trades, the commands, and where they are killed.
    history : int
        Number of trades of before the opening.
    """

    def __init__(self, folder: Path, seed: int, history: int) -> None:
        self._folder, self._drive, self._mount = folder, Path(tempfile.mkdtemp(dir="/dev/shm")), folder / "drive"
        assert self._drive.stat().st_dev != folder.stat().st_dev, f"{folder}: expected another device than /dev/shm"
        self._mount.symlink_to(self._drive)
        self.store = self._mount / "store"
        self.random = random.Random(seed)
        self.tape = ScriptedTape(seed)
        self.venue = VenueEmulator(self.tape, speed=0.0, connection_limit=None, message_limit=False, seed=seed)
        self.kills: dict[str, int] = dict.fromkeys(COMMANDS, 0)
        self.checks = 0
        self._operations: dict[str, int] = {}
        self._files = 0
        self._hurt: dict[Path, tuple[bytes, np.ndarray]] = {}
        self._processes: list[KillableCommand] = []
        self.said = ""
        for oldest_h, newest_h in _HISTORY_H:
            self.tape.add(history // len(_HISTORY_H), -round(oldest_h * _HOUR_US), -round(newest_h * _HOUR_US))

    async def __aenter__(self) -> Chaos:
        await self.venue.__aenter__()
        self.tape.change_tick(Decimal("0.01"))
        self._traded_us = 0
        return self

    async def __aexit__(self, *error: object) -> None:
        for process in self._processes:
            if process.exit_code is None:
                process.kill()
        shutil.rmtree(self._drive, ignore_errors=True)
        await self.venue.__aexit__(*error)  # type: ignore[arg-type]

    # -- the venue -------------------------------------------------------------------------------

    async def trade(self, count: int) -> None:
        """Let this many trades happen, between the last one and now; wait first if they would be too close together."""
        origin_us, end_us = self.venue.playbacks[self.tape.symbol].origin_us, self._traded_us + count * 1_000 // _MOST_IN_MS
        while (now_us := self.venue.now_us() - origin_us) < end_us:
            await asyncio.sleep((end_us - now_us) / 1e6)
        self.tape.add(count, self._traded_us, now_us)
        self._traded_us = max(self._traded_us + 1, now_us)
        await self.venue.emit(count)

    async def trading(self, per_s: float = 2_000.0) -> None:
        """Let trades happen until cancelled."""
        while True:
            await asyncio.sleep(0.05)
            await self.trade(max(1, round(per_s * 0.05)))

    def go_down(self, *, sockets: bool = True) -> None:
        """Refuse REST requests, and with `sockets` also connections."""
        self.venue.faults.rest = Refusal(503)
        if sockets:
            self.venue.faults.handshake = Refusal(503)
            self.venue.inject("drop")

    def come_back(self) -> None:
        """Serve everything again."""
        self.venue.faults.clear()

    def pull_drive(self) -> None:
        """Take the drive of the store away; an empty folder on the system's own drive is left, as of a mount point."""
        self._mount.unlink()
        self._mount.mkdir()

    def plug_drive(self) -> None:
        """Bring the drive back."""
        self._mount.rmdir()
        self._mount.symlink_to(self._drive)

    def hurt_days(self, count: int) -> list[Path]:
        """Damage some day files, as a failing disk does; return them."""
        paths = sorted(path for path in self.store.glob("*/*/trades/*.parquet") if path not in self._hurt)
        chosen = self.random.sample(paths, min(count, len(paths)))
        for path in chosen:
            trades, content = read_own_steps(path).trades, path.read_bytes()
            positions = self._positions(raw_ids(trades.trade_id), trades.time_ns)
            place = self.random.randrange(len(content) - 8)
            damaged = self.random.choice([b"", content[:place], content[:4] + bytes(len(content) - 4)])
            path.write_bytes(damaged)
            self._hurt[path] = damaged, positions
        return chosen

    def _stored(self, tape: Tape) -> tuple[TradeBatch, np.ndarray]:
        """The trades that can be read, and the positions of those in damaged files that no command has moved aside yet."""
        self._hurt = {path: hurt for path, hurt in self._hurt.items() if path.exists() and path.read_bytes() == hurt[0]}
        if not self._hurt:
            return tape.trades(_ALL), np.zeros(0, np.int64)
        tail = tape._tail(_ALL, tape.instrument.steps)
        days = sorted({*tape.days(), *np.unique(tail.time_ns // DAY_NS).tolist()})
        found: list[TradeBatch] = []
        for day in days:
            sound = [read_day(path, tape.instrument) for path in tape.files(day) if path not in self._hurt]
            found.append(merge_trades([*sound, tail[tail.time_ns // DAY_NS == day]], numbered=True))
        return concatenate(found), np.concatenate([positions for _, positions in self._hurt.values()])

    # -- processes -------------------------------------------------------------------------------

    def arguments(self, command: str) -> list[str]:
        """The arguments of a command, with random ones where it needs any."""
        if command == "import":
            count = min(self.tape.count, self.random.randint(50, 4_000))
            first = self.random.randrange(self.tape.count - count + 1)
            steps = ["--tick-size", "0.01", "--lot-size", "0.00001"] if not self.known else []
            return ["import", "csv", str(self.file(first, first + count)), "--instrument", MARKET, *steps]
        if command == "backfill":
            times_ns = self.venue.trades().time_ns
            begin, end = sorted(self.random.randrange(len(times_ns)) for _ in range(2))
            span = [str(int(times_ns[begin])), str(int(times_ns[end]) + 1_000_000)]
            return ["backfill", MARKET, "--from", span[0], "--to", span[1], "--source", "venue"]
        if command == "export":
            return ["export", MARKET, "--out", str(self._folder / f"export{self.random.choice(('.csv', '.csv.gz', '.parquet'))}")]
        return {"collect": ["collect", MARKET], "verify --repair": ["verify", MARKET, "--repair"]}[command]

    def file(self, first: int, end: int) -> Path:
        """A trades file with the positions `[first, end)` of the venue's tape."""
        self._files += 1
        path = self._folder / f"trades-{self._files}.csv"
        rows = self.tape.rows(first, end)
        times_us = self.venue.playbacks[self.tape.symbol].origin_us + rows.offset_us
        columns = (times_us // 1000, rows.price_ticks, rows.quantity_lots, rows.side, rows.trade_id)
        lines = [
            f"{time_ms}000000,{price * UNIT},{lots * self.tape.lot_size:f},{'buy' if side > 0 else 'sell'},{trade_id}\n"
            for time_ms, price, lots, side, trade_id in zip(*(column.tolist() for column in columns), strict=True)
        ]
        path.write_text("time,price,quantity,side,trade_id\n" + "".join(lines))
        return path

    @property
    def known(self) -> bool:
        """Whether the store has the market."""
        try:
            store = DiskStore(self.store, frozen=True)
        except StoreError:
            return False
        try:
            return any(one.id == MARKET for one in store.instruments())
        finally:
            store.close()

    def start(self, *arguments: str, kill_at: int | None = None, largest: int | None = None) -> KillableCommand:
        """Start a command as a process, killed at an operation on disk if `kill_at` is one; no file may grow beyond `largest` bytes."""
        self._files += 1
        said = self._folder / f"said-{self._files}.txt"
        one = KillableCommand([*arguments, "--store", str(self.store)], self.venue.environment, said, kill_at, largest)
        self._processes.append(one)
        return one

    async def ended(self, process: KillableCommand, timeout_s: float = 300.0) -> bool:
        """Wait for the end of a process; return False if it still runs after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while process.exit_code is None:
                    await asyncio.sleep(0.01)
        return process.exit_code is not None

    async def run(self, *arguments: str, timeout_s: float = 300.0) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it has printed."""
        process = self.start(*arguments)
        assert await self.ended(process, timeout_s), f"{arguments}: still runs after {timeout_s} s"
        assert process.exit_code is not None and process.exit_code >= 0 and "Traceback" not in process.said, process.said
        return process.exit_code, _OPERATIONS.sub("", process.said)

    async def killed(self, command: str) -> bool:
        """Run a command that is killed somewhere; return False if it has ended before that."""
        by_clock_s = self.random.random() if self.random.random() < 0.25 else None
        kill_at = self.random.randrange(self._operations.get(command, 100))
        trading = asyncio.create_task(self.trading()) if command == "collect" else None
        process = self.start(*self.arguments(command), kill_at=None if by_clock_s else kill_at)
        if not await self.ended(process, by_clock_s or (10.0 if command == "collect" else 120.0)):
            process.kill()
        if trading is not None:
            trading.cancel()
        assert "Traceback" not in process.said, f"{process.arguments}: {process.said}"
        self.said = f"{' '.join(process.arguments)}: killed at {by_clock_s or kill_at}, exit {process.exit_code}\n{process.said}"
        if process.exit_code == -signal.SIGKILL:
            self.kills[command] += 1
            return True
        if found := _OPERATIONS.search(process.said):
            self._operations[command] = max(10, int(found[1]))
        return False

    async def complete(self, stalled_s: float = 120.0) -> None:
        """Wait until the store has every trade from its first to the venue's last; fail after `stalled_s` without a new one."""
        wanted, most, changed_s = self.venue.totals().count, -1, time.monotonic()
        while True:
            found = kept_ranges(self.store)
            first = min((one.start_ns for one in found), default=0)
            have = sum(one.last_id - one.first_id + 1 for one in found)
            left = wanted - int(np.searchsorted(self.venue.trades().time_ns, first)) - have
            if found and not left:
                return
            most, changed_s = (have, time.monotonic()) if have > most else (most, changed_s)
            assert time.monotonic() - changed_s < stalled_s, f"{have:,} trades stored, {left:,} missing, no new one for {stalled_s:.0f} s"
            await asyncio.sleep(0.3)

    # -- the truth -------------------------------------------------------------------------------

    def check(self) -> Checked:
        """Compare the store with the venue's trades; raise AssertionError if a trade is lost, doubled or invented.

        A trade that is missing and not listed is lost; one that is listed and not missing, or not the venue's, is invented.
        """
        self.checks += 1
        truth = self.venue.trades()
        times_ns, ids = truth.time_ns, truth.trade_id
        nothing = np.zeros(0, np.int64)
        try:
            store = DiskStore(self.store, frozen=True)
        except StoreError:
            return Checked(nothing, nothing)
        try:
            instruments = [one for one in store.instruments() if one.id == MARKET]
            if not instruments:
                return Checked(nothing, nothing)
            tape = store.tape(instruments[0]).finest()
            stored, hurt = self._stored(tape)
            findings = list(verify(store.tape(instruments[0])))
            unfinished = (tape.folder / "undo" / "ranges.json").exists()
        finally:
            store.close()
        positions = self._positions(raw_ids(stored.trade_id), stored.time_ns)
        assert (positions >= 0).all(), f"{np.count_nonzero(positions < 0)} stored trades are not the venue's"
        assert len(np.unique(positions)) == len(positions), f"{len(positions) - len(np.unique(positions))} trades doubled"
        ticks = int(tape.instrument.tick_size / UNIT)
        assert (stored.price_ticks * ticks == truth.price_ticks[positions]).all(), "prices differ"
        assert (stored.quantity_lots == truth.quantity_lots[positions]).all(), "quantities differ"
        assert (stored.side == truth.side[positions]).all(), "sides differ"
        if not len(positions):
            return Checked(nothing, nothing, 0, [finding.text for finding in findings])
        within = np.arange(positions.min(), positions.max() + 1)
        missing = within[~np.isin(within, positions)]
        found = Checked(positions, missing, 0, [finding.text for finding in findings])
        by_ids, by_time = np.zeros(len(truth), bool), np.zeros(len(truth), bool)
        for finding in findings:
            if finding.gap is None:
                continue
            gap = finding.gap
            near = slice(int(np.searchsorted(times_ns, gap.start_ns - 10**6)), int(np.searchsorted(times_ns, gap.end_ns + 10**6, "right")))
            if match := _BY_IDS.fullmatch(finding.text):
                n, first_id, last_id = (int(text.replace(",", "")) for text in match.groups()[:3])
                meant = np.arange(len(truth))[near][(ids[near] >= first_id) & (ids[near] <= last_id)]
                assert len(meant) == n == last_id - first_id + 1, f"{finding.text}: the venue has {len(meant)} of them then"
                assert not by_ids[meant].any(), f"listed twice: {finding.text}"
                by_ids[meant] = True
            else:
                assert _BY_TIME.fullmatch(finding.text), finding.text
                by_time[near] = True
        lost = missing[~(by_ids | by_time)[missing] & ~np.isin(missing, hurt)]
        assert not len(lost), (
            f"{len(lost)} trades lost and not listed, positions {lost[:3]} to {lost[-3:]} of {len(truth)}; {found.lines[:5]}"
        )
        invented = np.flatnonzero(by_ids)
        invented = invented[np.isin(invented, positions)]
        assert unfinished or not len(invented), f"{len(invented)} trades are listed as missing and stored; {found.lines[:5]}"
        found.listed = int(by_ids[missing].sum())
        return found

    async def check_by_command(self) -> Checked:
        """Check, and compare with what `tapeprint verify` prints and returns; it must change nothing on disk."""
        found, before = self.check(), _contents(self.store)
        code, said = await self.run("verify", MARKET, "--quiet")
        assert _contents(self.store) == before, "verify has changed the store"
        assert said.splitlines() == found.lines
        assert code == (1 if found.lines else 0)
        return found

    def _positions(self, ids: np.ndarray, times_ns: np.ndarray) -> np.ndarray:
        """The positions of trades by their ids and times, -1 where the venue has no such trade."""
        truth = self.venue.trades()
        found = np.full(len(ids), -1)
        ends = [start for start, _ in self.tape.epochs[1:]] + [len(truth)]
        for (start, first_id), end in zip(self.tape.epochs, ends, strict=True):
            place = start + ids - first_id
            inside = (place >= start) & (place < end)
            inside[inside] = np.abs(truth.time_ns[place[inside]] - times_ns[inside]) < 10**6
            found[inside] = place[inside]
        return found


def _contents(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}
