"""The flags that override calculation settings for one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from app.errors import BadInputError
from app.market.trading_hours import TEMPLATES
from app.settings.calculation import CalculationSettings, Cells, Colouring, CvdReset
from app.settings.fields import fields_of, help_of, with_value

_EVERY = ", ".join(one.path for one in fields_of(CalculationSettings))
_help_of = partial(help_of, CalculationSettings)


@dataclass
class RuleFlags:
    """Calculation settings as flags: the common ones by name, any other by `--rule`."""

    rule: Annotated[list[str], Parameter(help=f"any calculation setting, e.g. tpo.bracket=15m; repeatable: {_EVERY}", negative="")] = field(
        default_factory=list[str]
    )
    session: Annotated[str | None, Parameter(help=_help_of("time.session"))] = None
    timezone: Annotated[str | None, Parameter(help=_help_of("time.zone"))] = None
    cells: Annotated[Cells | None, Parameter(help=_help_of("cells.cells"))] = None
    colour: Annotated[Colouring | None, Parameter(help=_help_of("cells.colouring"))] = None
    cvd_reset: Annotated[CvdReset | None, Parameter(help=_help_of("cvd.reset"))] = None
    statistics: Annotated[str | None, Parameter(help="bar statistics rows in order, e.g. volume,delta,cvd; empty: all")] = None
    large: Annotated[str | None, Parameter(help=f"large trades: {_help_of('large_trades.trades')}")] = None

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
    """Raise `BadInputError` if the given time zone would be ignored, because a named session has its own."""
    hours, zone = rules.hours, rules.time.zone
    if hours.name in TEMPLATES and zone != hours.timezone:
        raise BadInputError(f"time zone: session {hours.name} has its own ({hours.timezone}), drop {zone!r}")


def _split(text: str) -> tuple[str, str]:
    path, sign, value = text.partition("=")
    if not sign:
        raise BadInputError(f"--rule: found {text!r}, expected NAME=VALUE, e.g. tpo.bracket=15m")
    return path.strip(), value
