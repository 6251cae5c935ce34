"""The flags that override calculation settings for one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from cyclopts import Parameter

from app.errors import BadInputError
from app.market.trading_hours import TEMPLATES
from app.settings.calculation import CalculationSettings
from app.settings.fields import fields_of, with_value

_EVERY = ", ".join(one.path for one in fields_of(CalculationSettings))


@dataclass
class RuleFlags:
    """Calculation settings as flags: the common ones by name, any other by `--rule`."""

    rule: Annotated[list[str], Parameter(help=f"any calculation setting, e.g. tpo.bracket=15m; repeatable: {_EVERY}", negative="")] = field(
        default_factory=list
    )
    session: Annotated[
        str | None, Parameter(help="day, a named session such as us-rth, or times such as 09:30-16:00; equal times mean 24 hours")
    ] = None
    timezone: Annotated[
        str | None, Parameter(help="IANA time zone for days and custom sessions, e.g. Europe/London; named sessions have their own")
    ] = None
    cells: Annotated[Literal["sellxbuy", "delta", "total", "ladder", "profile"] | None, Parameter(help="footprint style")] = None
    colour: Annotated[Literal["volume", "delta", "imbalance"] | None, Parameter(help="what cell colours represent")] = None
    cvd_reset: Annotated[Literal["session", "never"] | None, Parameter(help="reset CVD at each session, or never")] = None
    statistics: Annotated[str | None, Parameter(help="bar statistics rows in order, e.g. volume,delta,cvd; empty: all")] = None
    large: Annotated[str | None, Parameter(help="large trades: top:50 = the 50 largest in view, or a minimum size such as 2.5")] = None

    def on(self, rules: CalculationSettings) -> CalculationSettings:
        """The calculation settings with the flags applied.

        Raises
        ------
        BadInputError
            If a value is invalid; the message is one line.
        """
        named = (
            ("time.zone", self.timezone),
            ("time.session", self.session),
            ("cells.cells", self.cells),
            ("cells.colouring", self.colour),
            ("cvd.reset", self.cvd_reset),
            ("statistics.rows", self.statistics or None),
            ("large_trades.trades", self.large),
        )
        given = [*((path, text) for path, text in named if text is not None), *map(_split, self.rule)]
        for path, text in given:
            rules = with_value(rules, path, text)
        if any(path == "time.zone" for path, _ in given):
            _require_use_of_zone(rules)
        return rules


def _require_use_of_zone(rules: CalculationSettings) -> None:
    """Reject a `--timezone` that a named session ignores; the settings may have one."""
    hours, zone = rules.hours, rules.time.zone
    if hours.name in TEMPLATES and zone != hours.timezone:
        raise BadInputError(f"time zone: session {hours.name} has its own ({hours.timezone}), drop {zone!r}")


def _split(text: str) -> tuple[str, str]:
    path, sign, value = text.partition("=")
    if not sign:
        raise BadInputError(f"--rule: found {text!r}, expected NAME=VALUE, e.g. tpo.bracket=15m")
    return path.strip(), value
