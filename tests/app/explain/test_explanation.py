"""An explanation's text, its defaults, and filters that pass everything by default."""

from __future__ import annotations

from app.explain.explanation import ALL_SIDES, HIGHEST, LOWEST, Explanation, ExplanationLine, TradeFilter
from app.market.trade import BUY, SELL, UNKNOWN


def test_the_text_marks_each_line_as_met_not_met_or_neither() -> None:
    lines = (ExplanationLine("0.6 > 0.4", True), ExplanationLine("0.2 >= 0.5", False), ExplanationLine("target: 0.945"))
    explained = Explanation("POC 43700.25", "POC: the row with the most volume", lines, ((7, 8),), help_page="values.md#poc")
    assert explained.text.split("\n") == [
        "POC 43700.25",
        "POC: the row with the most volume",
        "✓ 0.6 > 0.4",
        "✗ 0.2 >= 0.5",
        "  target: 0.945",
    ]


def test_an_explanation_without_lines_is_title_and_rule() -> None:
    assert Explanation("Title", "Rule", (), (), help_page="values.md#poc").text == "Title\nRule"


def test_an_explanation_is_about_all_prices_and_no_trades_by_default() -> None:
    explained = Explanation("Title", "Rule", (), (), help_page="values.md#poc")
    assert (explained.low_ticks, explained.high_ticks) == (LOWEST, HIGHEST) == (0, 1 << 62)
    assert (explained.parts, explained.listed) == ((), None)


def test_a_filter_passes_all_prices_and_sides_by_default() -> None:
    assert TradeFilter(3, 5) == TradeFilter(3, 5, LOWEST, HIGHEST, (SELL, UNKNOWN, BUY))
    assert ALL_SIDES == (-1, 0, 1)
