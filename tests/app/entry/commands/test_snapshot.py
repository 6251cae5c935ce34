"""Collecting live trades for an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.entry.commands.snapshot import _collected
from app.entry.commands.snapshot_request import SnapshotRequest
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import FeedSettings, Settings
from tests.feeds.lines import Line, run, venue
from tests.feeds.questions import answering

BEGAN_MS = 1_769_916_000_000


def trade(tid: int, at_ms: int) -> dict[str, object]:
    return {"coin": "BTC", "side": "B", "px": "104320.0", "sz": "0.5", "time": BEGAN_MS + at_ms, "tid": tid}


def test_unnumbered_trades_have_no_gaps_between_their_ids() -> None:
    """A hole would be asked for, in vain, and warned of."""

    def answers(path: str, asked: dict[str, Any]) -> tuple[int, object]:
        return 200, {"universe": [{"name": "BTC", "szDecimals": 5}]} if asked["type"] == "meta" else [trade(9, 0)]

    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell('{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}}')
        await line.tell(json.dumps({"channel": "trades", "data": [trade(7000, 1), trade(3, 2)]}))
        await line.stay()

    async def story() -> None:
        async with answering(answers) as rest_url, venue(talk) as there:
            settings = Settings(data=FeedSettings(history_hours=1)).with_hosts("hyperliquid", there.url.removesuffix("/ws/x"), rest_url)
            request = SnapshotRequest("hyperliquid:BTC", Path("x.png"), (640, 400), 1.0, parse_bar_rule("1m"), 1, None, 0.5, 1)
            chart, mode = await _collected(request, settings)
            assert chart.series.n_trades == 2 and not chart.holes, "the trades of the live line; those of REST are older than an hour"
            assert mode == "live"
            assert chart.covered and not any(stretch.proven for stretch in chart.covered)

    run(story())
