"""The lag of trades and its parts, with clocks that a test sets."""

from __future__ import annotations

import sys
from types import FrameType

import numpy as np
import pytest

from app.ingest import lag as lag_module
from app.ingest.lag import Lag, LagMeter

MS = 1_000_000
VENUE_NS = 1_700_000_000_000_000_000


class Clocks:
    """The venue's clock, ours, which is `ahead_ns` of it, and one that is never set."""

    def __init__(self, ahead_ns: int = 0) -> None:
        self.passed_ns, self.ahead_ns = 0, ahead_ns

    def wall_ns(self) -> int:
        return VENUE_NS + self.passed_ns + self.ahead_ns

    def monotonic_ns(self) -> int:
        return 5_000_000_000 + self.passed_ns

    @property
    def s(self) -> float:
        return self.monotonic_ns() / 1e9

    def venue_ns(self, *ago_ms: float) -> np.ndarray:
        return np.array([VENUE_NS + self.passed_ns - round(ago * MS) for ago in ago_ms], np.int64)

    def wait(self, ms: float) -> None:
        self.passed_ns += round(ms * MS)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def meter(clocks: Clocks) -> LagMeter:
    return LagMeter(clocks.wall_ns, clocks.monotonic_ns)


def rounded(*lags: Lag) -> list[tuple[int, int, int]]:
    return [(round(lag.p50), round(lag.p99), round(lag.worst)) for lag in lags]


def test_a_lag_runs_from_the_venue_to_the_end_of_the_frame(clocks: Clocks, meter: LagMeter) -> None:
    times = clocks.venue_ns(0)
    clocks.wait(30)
    arrived = clocks.s
    clocks.wait(5)
    meter.took(times, [arrived], 0)
    clocks.wait(7)
    meter.begin()
    clocks.wait(3)
    meter.end()
    assert meter.n == 1
    assert rounded(meter.session, meter.to_socket, meter.to_series, meter.to_end, meter.frame) == [
        (45, 45, 45),
        (30, 30, 30),
        (5, 5, 5),
        (10, 10, 10),
        (3, 3, 3),
    ]


@pytest.mark.parametrize("ahead_s", [-86_400, -600, -1, 0, 1, 600, 86_400])
def test_a_lag_is_corrected_for_the_offset_of_our_clock(ahead_s: int) -> None:
    clocks = Clocks(ahead_s * 10**9)
    meter = LagMeter(clocks.wall_ns, clocks.monotonic_ns)
    meter.took(clocks.venue_ns(20, 20, 20), [clocks.s], ahead_s * 10**9)
    meter.begin()
    meter.end()
    assert rounded(meter.session) == [(20, 20, 20)]


def test_a_lag_is_never_negative(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(-5, -5), [clocks.s], 0)
    meter.begin()
    meter.end()
    assert meter.session.worst == 0.0 and meter.session.p50 == 0.0


def test_a_clock_that_is_set_before_the_frame_changes_no_lag(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(20), [clocks.s], 0)
    clocks.ahead_ns = 3_600 * 10**9
    meter.begin()
    clocks.wait(10)
    meter.end()
    assert rounded(meter.session) == [(30, 30, 30)]


def test_trades_of_several_batches_are_each_as_old_as_they_are(clocks: Clocks, meter: LagMeter) -> None:
    for _ in range(3):
        meter.took(clocks.venue_ns(2, 1), [clocks.s, clocks.s], 0)
        clocks.wait(100)
    meter.begin()
    meter.end()
    assert meter.n == 6
    assert meter.session.worst == pytest.approx(302) and meter.session.p50 == pytest.approx(201, rel=0.012)
    assert meter.to_end.worst == pytest.approx(300)


def test_a_trade_waits_since_the_arrival_of_its_own_message(clocks: Clocks, meter: LagMeter) -> None:
    first = clocks.s
    clocks.wait(40)
    times = clocks.venue_ns(45, 44, 3, 2)
    meter.took(times, [first, clocks.s], 0)
    meter.begin()
    meter.end()
    assert (meter.to_series.p50, meter.to_series.worst) == (pytest.approx(0.001, rel=0.1), pytest.approx(40))
    assert meter.to_socket.worst == pytest.approx(5)


def test_trades_that_come_after_the_begin_of_a_frame_wait_for_the_next(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    meter.begin()
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    meter.end()
    assert meter.n == 1
    clocks.wait(16)
    meter.begin()
    meter.end()
    assert meter.n == 2 and meter.session.worst == pytest.approx(17)


def test_a_paint_without_a_frame_counts_nothing(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    meter.end()
    meter.begin()
    meter.rest()
    meter.end()
    assert meter.n == 0 and meter.frame.p50 != meter.frame.p50


def test_trades_of_a_frame_are_counted_once(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    meter.begin()
    meter.end()
    meter.end()
    assert meter.n == meter._frames.n == 1


def test_trades_that_no_frame_paints_are_not_counted(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1, 1), [clocks.s], 0)
    for _ in range(6):
        meter.begin()
        clocks.wait(16)
    meter.end()
    assert (meter.n, meter.not_shown) == (0, 2)


def test_a_paint_that_is_late_by_a_frame_still_counts(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    for _ in range(2):
        meter.begin()
        clocks.wait(16)
    meter.end()
    assert (meter.n, meter.not_shown) == (1, 0) and meter.session.worst == pytest.approx(33)


def test_skipped_trades_are_not_counted(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(1), [clocks.s], 0)
    meter.skip()
    meter.begin()
    meter.end()
    assert (meter.n, meter.not_shown) == (0, 1)


def test_trades_from_before_a_break_are_not_counted(clocks: Clocks, meter: LagMeter) -> None:
    meter.took(clocks.venue_ns(60_000), [], 0)
    meter.begin()
    meter.end()
    assert meter.n == 0


def test_memory_is_bounded_while_a_disk_does_not_answer(clocks: Clocks, meter: LagMeter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag_module, "_WAITING", 100)
    for _ in range(30):
        meter.took(clocks.venue_ns(*[1] * 10), [clocks.s], 0)
    meter.begin()
    meter.end()
    assert (meter.n, meter.not_shown) == (100, 200)


def test_the_last_minute_forgets_and_the_session_does_not(clocks: Clocks, meter: LagMeter) -> None:
    def frame(lag_ms: float, frames: int = 1) -> None:
        for _ in range(frames):
            meter.took(clocks.venue_ns(lag_ms), [clocks.s], 0)
            meter.begin()
            meter.end()
            clocks.wait(1_000)

    frame(500, 10)
    frame(20, 70)
    assert meter.recent.worst == pytest.approx(20, rel=0.012) and meter.session.worst == pytest.approx(500)
    clocks.wait(100_000)
    assert meter.recent.p50 != meter.recent.p50, "nothing came in the last minute"


def test_a_batch_takes_as_many_calls_whatever_its_size(clocks: Clocks, meter: LagMeter) -> None:
    def calls(n: int) -> int:
        found = 0

        def count(frame: FrameType, event: str, _: object) -> None:
            nonlocal found
            found += event in ("call", "c_call")

        times, arrived = clocks.venue_ns(*[5] * n), [clocks.s] * n
        sys.setprofile(count)
        try:
            meter.took(times, arrived, 0)
            meter.begin()
            meter.end()
        finally:
            sys.setprofile(None)
        return found

    assert calls(1) == calls(3_000) < 80


@pytest.mark.parametrize(
    ("lag", "text", "short"),
    [
        (Lag(24.4, 60.6, 1203.7), "24 / 61 ms, worst 1,204 ms", "24 / 61 / 1,204 ms"),
        (Lag(float("nan"), float("nan"), float("nan")), "–", "–"),
    ],
)
def test_a_lag_as_text(lag: Lag, text: str, short: str) -> None:
    assert (lag.text, lag.short) == (text, short)
