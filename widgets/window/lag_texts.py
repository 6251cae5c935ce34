"""Texts about the lag of a market's trades."""

from __future__ import annotations

from app.ingest.lag import LagMeter
from app.market.feed import FeedStatus


def lag_tooltip(meter: LagMeter, status: FeedStatus) -> str:
    """The lag and its parts, one line each, each with three values: of half of the trades, of 99 %, and the worst."""
    parts = (
        ("Session", meter.session.short),
        ("Last minute", meter.recent.short),
        ("Venue to socket", meter.to_socket.short),
        ("Socket to series", meter.to_series.short),
        ("Series to frame", meter.to_end.short),
        ("Time of a frame", meter.frame.short),
    )
    lines = ["Age of trades when they are on the screen: half of them, 99 % of them, the worst"]
    lines += [f"{name}: {values}" for name, values in parts]
    lines.append(f"{meter.n:,} trades" + (f", {meter.not_shown:,} more not shown" if meter.not_shown else ""))
    lines.append(_clock_text(status))
    return "\n".join([*lines, "Click to diagnose performance"])


def _clock_text(status: FeedStatus) -> str:
    """The offset of our clock that the lag is corrected by, and its possible error, as text."""
    if status.clock_error_ns is None:
        return "Your clock: not compared with the venue's"
    error = f"to within {status.clock_error_ns / 1e6:,.0f} ms"
    if not status.clock_ahead_ns:
        return f"Your clock: right {error}"
    return f"Your clock: {abs(status.clock_ahead_ns) / 1e6:,.0f} ms {'fast' if status.clock_ahead_ns > 0 else 'slow'} (corrected), {error}"
