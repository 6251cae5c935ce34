"""The emulator as a program: `python -m tests.venue_emulator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from decimal import Decimal

from tests.venue_emulator.file_tape import FileTape
from tests.venue_emulator.generated_tape import GeneratedTape
from tests.venue_emulator.injection import random_faults
from tests.venue_emulator.market import Market
from tests.venue_emulator.tape import Tape
from tests.venue_emulator.venue import VenueEmulator


def main() -> None:
    """Run the emulator until `--seconds` are over or a signal stops it, then print its statistics."""
    options = _parser().parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> None:
    venue = VenueEmulator(
        *_tapes(options),
        port=options.port,
        speed=options.speed,
        restamp=not options.keep_times,
        connection_limit=options.connection_limit or None,
        seed=options.seed,
    )
    stop = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers here; Ctrl-C ends the loop
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with venue:
        print(*(f"{name}={value}" for name, value in venue.environment.items()), flush=True)
        if options.faults_per_minute:
            venue.spawn(random_faults(venue, options.faults_per_minute, options.seed))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), options.seconds)
        stats = venue.stats()
    print(json.dumps(stats), flush=True)


def _tapes(options: argparse.Namespace) -> list[Tape]:
    market = Market(options.market)
    symbols = options.symbol.split(",")
    if options.file:
        history_s = (options.history_hours or 0.0) * 3600
        steps = {"tick_size": options.tick, "lot_size": options.lot}
        return [FileTape(options.file, market=market, symbol=symbols[0], history_s=history_s, repeat=options.repeat, **steps)]
    history_s = (4.0 if options.history_hours is None else options.history_hours) * 3600
    return [
        GeneratedTape(
            options.seed + i,
            options.rate,
            market=market,
            symbol=symbol,
            history_s=history_s,
            history_rate=options.history_rate,
            tick_size=options.tick,
            lot_size=options.lot,
        )
        for i, symbol in enumerate(symbols)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.venue_emulator", description="Binance's public market data on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8970)
    parser.add_argument("--market", choices=[market.value for market in Market], default="spot")
    parser.add_argument("--symbol", default="BTCUSDT", help="one, or several of a generated tape with commas between")
    parser.add_argument("--file", help="play this trades file (time,price,quantity,side,trade_id; .gz allowed)")
    parser.add_argument("--repeat", action="store_true", help="play the file again and again")
    parser.add_argument("--speed", type=float, default=1.0, help="times as fast")
    parser.add_argument("--keep-times", action="store_true", help="do not move the tape to now")
    parser.add_argument("--rate", type=float, default=100.0, help="trades a second of a generated tape")
    parser.add_argument("--seed", type=int, default=1, help="of the tape and of the faults")
    parser.add_argument("--history-hours", type=float, help="trades of before the start (4; with a file 0: how much of it)")
    parser.add_argument("--history-rate", type=float, help="trades a second of before the start (rate, 50 at most)")
    parser.add_argument("--tick", type=Decimal, help="tick size if not the usual one")
    parser.add_argument("--lot", type=Decimal, help="lot size if not the usual one")
    parser.add_argument("--faults-per-minute", type=float, default=0.0)
    parser.add_argument("--connection-limit", type=int, default=300, help="sockets in five minutes, 0 for no limit")
    parser.add_argument("--seconds", type=float, help="stop after that long")
    return parser


if __name__ == "__main__":
    main()
