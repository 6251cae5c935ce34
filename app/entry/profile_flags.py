"""The flags that put profiles on the chart of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from cyclopts import Parameter

from app.analytics.row_layout import RowLayout, RowsBy
from app.anchors import Anchors
from app.entry.headless import parse_time
from app.errors import BadInputError
from app.market.session import Period, PeriodRule
from app.period_profiles import PeriodProfiles
from app.profile_inputs import Placement, ProfileInputs, VolumeShown


@dataclass
class ProfileFlags:
    """Profiles to draw on a picture, and their inputs."""

    anchor: Annotated[list[str], Parameter(help="draw the profile from this time to the last bar; may be repeated", negative="")] = field(
        default_factory=list
    )
    range: Annotated[list[str], Parameter(help="draw the profile of FROM/TO; may be repeated", negative="")] = field(default_factory=list)
    profile_rows: Annotated[int | None, Parameter(help="number of rows of these profiles, instead of the chart's rows")] = None
    profile_ticks: Annotated[int | None, Parameter(help="ticks in a row of these profiles, instead of the chart's rows")] = None
    profile_volume: Annotated[Literal["total", "buy/sell", "delta"], Parameter(help="what their rows show")] = "buy/sell"
    profile_place: Annotated[Literal["left", "right"], Parameter(help="at which end of their time the rows begin")] = "left"
    profile_each: Annotated[
        str | None, Parameter(help="draw a profile of each day, week or month (UTC), or of each so many bars, as in 30")
    ] = None
    profile_extend: Annotated[bool, Parameter(help="draw POC, VAH and VAL on to the right edge", negative="")] = False

    def put_on(self, anchors: Anchors) -> None:
        """Put them on a chart; none is selected.

        Raises
        ------
        BadInputError
            If a time cannot be read, or a range is none.
        """
        anchors.inputs = replace(
            anchors.inputs,
            rows=self._rows(),
            volume=VolumeShown(self.profile_volume),
            placement=Placement(self.profile_place),
            extend_poc=self.profile_extend,
            extend_vah=self.profile_extend,
            extend_val=self.profile_extend,
        )
        for text in self.anchor:
            anchors.add(parse_time(text))
        for text in self.range:
            begin, slash, end = text.partition("/")
            if not slash:
                raise BadInputError(f"--range: found {text!r}, expected two times with a stroke between them, FROM/TO")
            anchors.add(parse_time(begin), parse_time(end))
        anchors.select(None)
        if self.profile_each is not None:
            inputs = replace(anchors.inputs, width_percent=70, extend_poc=False, extend_vah=False, extend_val=False)
            anchors.show_periods(self._periods(self.profile_each, inputs))

    @staticmethod
    def _periods(text: str, inputs: ProfileInputs) -> PeriodProfiles:
        if text in {period.value for period in Period}:
            return PeriodProfiles(PeriodRule(Period(text)), inputs=inputs)
        if not text.isdigit() or int(text) < 1:
            raise BadInputError(f"--profile-each: found {text!r}, expected day, week, month, or a number of bars")
        return PeriodProfiles(None, int(text), inputs)

    def _rows(self) -> RowLayout:
        if self.profile_rows is not None and self.profile_ticks is not None:
            raise BadInputError("profiles: expected --profile-rows or --profile-ticks, found both")
        if self.profile_rows is not None:
            return RowLayout(RowsBy.ROWS, self.profile_rows)
        return RowLayout() if self.profile_ticks is None else RowLayout(RowsBy.TICKS, self.profile_ticks)
