"""Explanations of a VWAP and its bands, with the sums and the quotient of each."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from app.analytics.anchored_vwap import VwapSums
from app.analytics.vwap import bar_turnover
from app.chart.chart import Chart
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, equals, exact, plain, rounded
from app.explain.imbalances import bar_of

_DIGITS = 60


def explain_vwap(chart: Chart, name: str, first: int, number: int, band: int = 0) -> Explanation:
    """Explain a VWAP after a bar, or one of its bands.

    Parameters
    ----------
    name : str
        Name of the VWAP, for the title.
    first, number : int
        Numbers of the bar where the VWAP starts, and of the bar to explain.
    band : int
        Number of standard deviations above the VWAP (negative: below); 0 for the VWAP itself.

    Raises
    ------
    BadInputError
        If the bar to explain has no trades.
    """
    words, series = ValueFormatter(chart), chart.series
    start, end = series.index_of(first), bar_of(chart, number) + 1
    tick, lot = (Fraction(step) for step in (chart.spec.instrument.tick_size, chart.spec.instrument.lot_size))
    turnover, volume = sum(bar_turnover(series, start, end)), int(series.volume[start:end].sum())
    average = Fraction(turnover, volume)
    lines = [
        ExplanationLine(f"sum of price x quantity: {plain(turnover * tick * lot)}"),
        ExplanationLine(f"sum of quantity: {words.lots(volume)}"),
        ExplanationLine(f"VWAP = {plain(turnover * tick * lot)} / {words.lots(volume)} {equals(exact(average * tick))}"),
    ]
    if band:
        lines += _band_lines(chart, start, end, average, band)
    what = name if not band else f"{name} {band:+d} σ".replace("-", "−")
    bars = slice(start, end)
    return Explanation(
        title=f"{what} after the {words.bar(number)} bar",
        rule=f"VWAP: sum of price x quantity / sum of quantity, since the {words.bar(int(series.number[start]))} bar",
        lines=tuple(lines),
        bars=((number, number + 1),),
        low_ticks=int(series.low[bars].min()),
        high_ticks=int(series.high[bars].max()) + 1,
        parts=(TradeFilter(int(series.number[start]), number + 1),),
        help_page="values.md#vwap-and-bands",
    )


def _band_lines(chart: Chart, start: int, end: int, average: Fraction, band: int) -> list[ExplanationLine]:
    """Lines with the variance, the standard deviation and the band's price; only the square root is not exact."""
    tick = Fraction(chart.spec.instrument.tick_size)
    variance = _variance(chart, start, end) * tick * tick
    with localcontext(prec=_DIGITS):
        deviation = Fraction((Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())
    price = average * tick + band * deviation
    sign, shown = "+" if band > 0 else "−", rounded(deviation).removeprefix("≈ ")
    return [
        ExplanationLine(f"variance: sum of quantity x (price - VWAP)^2 / sum of quantity {equals(exact(variance))}"),
        ExplanationLine(f"σ: square root of the variance {equals(rounded(deviation))}"),
        ExplanationLine(f"VWAP {sign} {abs(band)} x {shown} {equals(rounded(price))}"),
    ]


def _variance(chart: Chart, start: int, end: int) -> Fraction:
    """The exact volume-weighted variance of the prices in the bars `[start, end)`, in ticks squared."""
    sums = VwapSums(chart.series)
    sums.follow()
    return sums.variance(start, end)
