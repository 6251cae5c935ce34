"""The download of candles that profiles request, in parallel with live trades.

The longest candles are fetched first, and of one length the newest. After a venue error, which is shown, the request is repeated after
a pause; a refusal ends the download. Trades are never affected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from app.analytics.candle_fallback import CandleRange
from app.chart.chart import Chart
from app.errors import BadInputError, TapeprintError, VenueRefusedError
from app.ingest.load_progress import LoadProgress
from app.ingest.retry import retry
from app.market.candle import CandleBatch
from app.market.feed import CandleHistory, closing
from app.market.span import Span
from app.storage.candle_store import CandleStore

_log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.1  # delay before a new request is noticed; feels immediate
_GROWING_S = 2.0  # pause before a candle still in progress by the venue's clock is requested again
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_AT_ONCE = 1_000  # candles per request; one page at most venues
_TOGETHER = 500  # candles between two requests that are fetched too, to save a request
_UNITS = ((1_440, "d"), (60, "h"), (1, "m"))
_MINUTE_NS = 60_000_000_000


class CandleLoader:
    """Fetches the candles that charts request, into a store that the charts share.

    Parameters
    ----------
    charts : sequence of Chart
        Their `candles.wishes` are the requests.
    history : CandleHistory
    sleep : callable
        The wait, for tests.

    Attributes
    ----------
    held : CandleStore
        The candles fetched so far.
    progress : LoadProgress or None
        Progress of the current fetch; None if nothing is fetched.
    trouble : str
        Why candles cannot be fetched now; empty if they can.
    """

    def __init__(
        self, charts: Sequence[Chart], history: CandleHistory, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.held = CandleStore(history.lengths_ns)
        self.progress: LoadProgress | None = None
        self.trouble = ""
        self._charts, self._history, self._sleep = charts, history, sleep
        self._cancelled: list[CandleRange] = []
        for chart in charts:
            chart.candles.candle_store = self.held

    def cancel(self) -> None:
        """Cancel all current requests for candles; a later request is fetched unless it lies within a cancelled one."""
        self._cancelled += self._requests()

    async def fill(self) -> None:
        """Fetch requested candles until the task is cancelled; end early if the venue refuses or a bug occurs (see `trouble`)."""
        try:
            await self._fill()
        except Exception as error:  # a bug in loading candles must not stop live trades: show it and do without candles
            self.progress, self.trouble = None, "candles: stopped by an internal error, see the log"
            _log.error("loading candles failed", error=repr(error), exc_info=error)

    async def _fill(self) -> None:
        while True:
            if self._next() is None:
                self.progress = None
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            try:
                await retry(self._fetch_next, self._on_wait, first_wait_s=_FIRST_WAIT_S, longest_wait_s=_LONGEST_WAIT_S, sleep=self._sleep)
            except (VenueRefusedError, BadInputError) as error:
                self.progress, self.trouble = None, f"candles: {error.user_message}"
                _log.warning("candles refused", reason=error.detail)
                return
            self.trouble = ""

    def _on_wait(self, error: TapeprintError, pause_s: float) -> None:
        self.progress, self.trouble = None, f"candles: {error.user_message}, retrying in {pause_s:.0f} s"
        _log.warning("candles not loaded", reason=error.detail, retry_s=pause_s)

    async def _fetch_next(self) -> None:
        """Fetch the candles of the first request not fetched yet; do nothing if there is none left, e.g. after the pause of a retry."""
        if (request := self._next()) is not None:
            await self._fetch(request)

    def _requests(self) -> list[CandleRange]:
        """The charts' candle requests that are not cancelled, longest candles first, then newest first."""
        wishes = {
            request
            for chart in self._charts
            for request in chart.candles.wishes
            if not any(request.lies_in(each) for each in self._cancelled)
        }
        return sorted(wishes, key=lambda request: (request.length_ns, request.span.end_ns), reverse=True)

    def _next(self) -> CandleRange | None:
        """The first request that is not fetched yet, joined with nearby ones for the same candle length; None if all are fetched."""
        found: CandleRange | None = None
        for length_ns, span in self._requests():
            if not self._missing(length_ns, span):  # fetched, but the chart has not refreshed since
                continue
            if found is None:
                found = CandleRange(length_ns, span)
            elif length_ns != found.length_ns or found.span.start_ns - span.end_ns > _TOGETHER * length_ns:
                break
            else:
                found = CandleRange(length_ns, Span(min(span.start_ns, found.span.start_ns), found.span.end_ns))
        return found

    def _missing(self, length_ns: int, span: Span) -> list[Span]:
        return span.minus(self.held.asked(length_ns, span))

    async def _fetch(self, request: CandleRange) -> None:
        length_ns, span = request
        what = f"{_count_text(span.length_ns // length_ns)} ({length_text(length_ns)})"
        for part in _parts(span, _AT_ONCE * length_ns):
            if not any(length_ns == other.length_ns and other.span.intersection(part) for other in self._requests()):
                continue  # no longer requested, or never: it lies between two requests
            self.progress = LoadProgress(what, (span.end_ns - part.end_ns) / span.length_ns)
            if self._missing(length_ns, part):
                pages: list[CandleBatch] = []
                async with closing(self._history.candles(length_ns, part)) as batches:
                    async for batch in batches:
                        pages.append(batch)
                self.held.take(length_ns, part, pages)
            if self._missing(length_ns, part):
                await self._sleep(_GROWING_S)


def length_text(length_ns: int) -> str:
    """A candle length as text, e.g. `3 m`, `4 h`, `1 d`."""
    minutes = length_ns // _MINUTE_NS
    size, unit = next((size, unit) for size, unit in _UNITS if minutes % size == 0)
    return f"{minutes // size} {unit}"


def _count_text(candles: int) -> str:
    return f"{candles:,} candle{'' if candles == 1 else 's'}"


def _parts(span: Span, most_ns: int) -> Iterator[Span]:
    """Split a span into parts of at most `most_ns`, newest first."""
    for end_ns in range(span.end_ns, span.start_ns, -most_ns):
        yield Span(max(span.start_ns, end_ns - most_ns), end_ns)
