"""The commands that use the store: import, export, backfill, verify, collect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from app.entry.commands.options import Begin, End, Hosts, Quiet, SettingsFile, StoreFolder, at_hosts, settings_of
from app.errors import BadInputError


def import_(
    kind: Annotated[str, Parameter(help="binance, bybit, okx, tardis, kaiko, csv, parquet, or auto (detect from columns)")],
    /,
    *files: Annotated[Path, Parameter(help="trades files; plain, .gz or .zip")],
    instrument: Annotated[str, Parameter(help="market the files belong to, e.g. binance:BTCUSDT")],
    tick_size: Annotated[str | None, Parameter(help="tick size; not needed if the market is in the store")] = None,
    lot_size: Annotated[str | None, Parameter(help="lot size; not needed if the market is in the store")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Import trades files into the store; safe to repeat."""
    from app.entry.commands.import_ import InstrumentSpec, import_files

    if not files:
        raise BadInputError("files: expected one or more trades files")
    settings = settings_of(settings_file, store=store)
    return import_files(kind, files, InstrumentSpec(instrument, tick_size, lot_size), settings.store_folder(), quiet)


def export(
    instrument: Annotated[str, Parameter(help="a stored market")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="output file: .csv, .csv.gz or .parquet")],
    begin: Begin = None,
    end: End = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Export stored trades to a file."""
    from app.entry.commands.common import parse_span
    from app.entry.commands.export import export as write_export

    return write_export(instrument, parse_span(begin, end), out, settings_of(settings_file, store=store), quiet)


def backfill(
    instrument: Annotated[str, Parameter(help="market, e.g. binance:BTCUSDT")],
    /,
    *,
    begin: Annotated[str, Parameter(name="--from", help="start time: ISO 8601 or Unix time")],
    end: End = None,
    source: Annotated[
        str,
        Parameter(
            help="auto, venue, dumps, tardis:EXCHANGE/SYMBOL or kaiko:EXCHANGE/CLASS/SYMBOL; keys from the environment or the keyring"
        ),
    ] = "auto",
    tick_size: Annotated[str | None, Parameter(help="tick size of a delisted market that is not in the store")] = None,
    lot_size: Annotated[str | None, Parameter(help="lot size of a delisted market that is not in the store")] = None,
    hosts: Annotated[Hosts | None, Parameter(name="*")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Download missing trades of a time range; resumes where it stopped."""
    from app.entry.commands.backfill import BackfillRequest
    from app.entry.commands.backfill import backfill as fetch_past
    from app.entry.commands.common import parse_span

    settings = at_hosts(settings_of(settings_file, store=store), instrument, hosts)
    return fetch_past(BackfillRequest(instrument, parse_span(begin, end), source, tick_size, lot_size), settings, quiet)


def verify(
    instrument: Annotated[str | None, Parameter(help="a stored market; default: all")] = None,
    /,
    *,
    repair: Annotated[
        bool,
        Parameter(
            negative="",
            help="put damaged files aside, rebuild what can be, and download missing trades from the venue; without it nothing is changed",
        ),
    ] = False,
    give_up: Annotated[
        str | None, Parameter(help="no longer count what is missing on a day or days, e.g. 2024-08-08 or 2024-08-08..2024-08-10")
    ] = None,
    hosts: Annotated[Hosts | None, Parameter(name="*")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Verify the store: exit code 0 if complete, 1 with a list of gaps and damaged files."""
    from app.entry.commands.verify import verify_store

    settings = settings_of(settings_file, store=store)
    settings = at_hosts(settings, instrument, hosts) if instrument else settings
    return verify_store(instrument, settings, repair, quiet, give_up)


def collect(
    *instruments: Annotated[str, Parameter(help="markets to record, e.g. binance:BTCUSDT okx:BTC-USDT")],
    seconds: Annotated[float | None, Parameter(help="stop after this many seconds")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Record markets without a window until Ctrl+C; the window can share the store."""
    from app.entry.commands.collect import collect as record

    return record(list(instruments), seconds, settings_of(settings_file, store=store), quiet)
