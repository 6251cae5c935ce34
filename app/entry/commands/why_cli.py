"""The `why` command and its flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from app.entry.commands.options import (
    Bar,
    LotSize,
    Quiet,
    SettingsFile,
    StoredPart,
    StoreFolder,
    TickSize,
    TicksPerRow,
    reading_of,
    settings_of,
)
from app.errors import BadInputError
from app.explain.at_point import What


def why(
    file: Annotated[Path, Parameter(help="trades file, as for footprint")],
    /,
    *,
    tick_size: TickSize = None,
    at: Annotated[str, Parameter(help="a time inside the bar: ISO 8601 or Unix time")],
    price: Annotated[str, Parameter(help="a price inside the bar's range")],
    lot_size: LotSize = None,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = 1,
    what: Annotated[What, Parameter(help="which value to explain")] = "all",
    json: Annotated[bool, Parameter(negative="", help="print JSON instead of text")] = False,
    csv: Annotated[Path | None, Parameter(help="write the trades behind the value to this file")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Explain a value: its rule, the arithmetic and the trades behind it."""
    from app.entry.commands.why import WhyRequest
    from app.entry.commands.why import why as print_why
    from app.market.bar_rule import parse_bar_rule

    if ticks_per_row is None or ticks_per_row < 1:
        raise BadInputError(f"ticks per row: found {ticks_per_row}, expected 1 or more")
    settings = settings_of(settings_file, store=store)
    rule = settings.bar_rule() if bar is None else parse_bar_rule(bar)
    reading = reading_of(tick_size, lot_size, quiet, StoredPart(settings.store_folder()))
    print_why(file, reading, WhyRequest(at, price, rule, ticks_per_row, what, json, csv), settings)
    return 0
