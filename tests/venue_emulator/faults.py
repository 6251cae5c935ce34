"""The faults that the venue currently has."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

PageFaultKind = Literal["empty", "blank", "truncated", "cut", "html", "stuck", "overlap"]
"""The fault of a page of trades: no rows, no body, half a JSON text, a body shorter than announced,
a web page with status 200, always the oldest page, a page that begins ten trades too early."""


@dataclass(slots=True)
class Refusal:
    """An HTTP status in place of an answer, for `times` requests (None: until it is removed)."""

    status: int = 429
    retry_after_s: float | None = None
    times: int | None = None


@dataclass(slots=True)
class PageFault:
    """A fault of the next `times` pages of trades (None: until it is removed)."""

    kind: PageFaultKind = "empty"
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(PageFaultKind):
            raise ValueError(f"kind: found {self.kind!r}, expected one of {', '.join(get_args(PageFaultKind))}")


@dataclass(slots=True)
class Faults:
    """The lasting faults; change an attribute while the venue runs. `VenueEmulator.inject` has those that happen once.

    Attributes
    ----------
    stall : bool
        Trades happen and REST serves them, sockets stay open and answer pings, but no trades are sent.
    freeze : bool
        Nothing is read or written any more, as if the network were gone.
    silent_subscribe : bool
        New subscriptions are acknowledged, but their connection never gets a trade.
    ignore_subscribe : bool
        SUBSCRIBE is not even acknowledged.
    flap : bool
        New connections are accepted and closed at once.
    constant_side : bool
        Every trade has `m: true`, even if the buyer was the aggressor.
    duplicate, reorder, skip, lose, garbage, fragment : float
        Share of trades: sent twice; sent up to 20 places late; not sent, but served over REST; neither
        sent nor served; preceded by a frame that is not a trade; sent in frames of one byte.
    handshake, rest : Refusal or None
        Refusal of new sockets, or of requests.
    page : PageFault or None
        Fault of the pages of trades.
    rest_delay_s : float
        Delay of every request, seconds.
    rest_lag_s : float
        Time by which REST serves trades later than the stream, seconds.
    """

    stall: bool = False
    freeze: bool = False
    silent_subscribe: bool = False
    ignore_subscribe: bool = False
    flap: bool = False
    constant_side: bool = False
    duplicate: float = 0.0
    reorder: float = 0.0
    skip: float = 0.0
    lose: float = 0.0
    garbage: float = 0.0
    fragment: float = 0.0
    handshake: Refusal | None = None
    rest: Refusal | None = None
    page: PageFault | None = None
    rest_delay_s: float = 0.0
    rest_lag_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Remove all faults; the counts stay."""
        spotless = Faults()
        for each in fields(self):
            if each.name != "counts":
                setattr(self, each.name, getattr(spotless, each.name))

    def counted(self, name: str, n: int = 1) -> None:
        """Count that a fault happened `n` times."""
        if n:
            self.counts[name] = self.counts.get(name, 0) + n

    def take_refusal(self, which: Literal["handshake", "rest"]) -> Refusal | None:
        """Use the current refusal once and return it; None if there is none."""
        refusal: Refusal | None = getattr(self, which)
        if refusal is not None and not _use(refusal):
            refusal = None
            setattr(self, which, None)
        return refusal

    def take_page_fault(self) -> PageFaultKind | None:
        """Use the current page fault once, count it and return its kind; None if there is none."""
        if self.page is None:
            return None
        kind = self.page.kind
        if not _use(self.page):
            self.page = None
            return None
        self.counted(f"page-{kind}")
        return kind


def _use(fault: Refusal | PageFault) -> bool:
    if fault.times is None:
        return True
    fault.times -= 1
    return fault.times >= 0
