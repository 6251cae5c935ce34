"""The flags that add profiles to the chart of an image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from cyclopts import Parameter

from app.analytics.row_layout import RowLayout, RowMode
from app.entry.commands.common import parse_time
from app.errors import BadInputError
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.placed_profile import PlacedProfile, TimeRange
from app.profiles.profile_settings import Placement, ProfileColours, ProfileSettings, VolumeDisplay, parse_colour_name


@dataclass
class ProfileFlags:
    """Profiles to draw on an image, and their settings."""

    anchor: Annotated[list[str], Parameter(help="draw an anchored profile from this time; repeatable", negative="")] = field(
        default_factory=list[str]
    )
    range: Annotated[list[str], Parameter(help="draw a range profile FROM/TO; repeatable", negative="")] = field(default_factory=list[str])
    composite: Annotated[
        list[str],
        Parameter(help="draw a composite profile FROM/TO,FROM/TO…; without TO, up to the last bar; repeatable", negative=""),
    ] = field(default_factory=list[str])
    profile_rows: Annotated[int | None, Parameter(help="number of rows (default: the chart's rows)")] = None
    profile_ticks: Annotated[int | None, Parameter(help="ticks per row (default: the chart's rows)")] = None
    profile_volume: Annotated[Literal["total", "buy/sell", "delta"], Parameter(help="what the rows show")] = "buy/sell"
    profile_place: Annotated[Literal["left", "right"], Parameter(help="side the rows grow from")] = "left"
    profile_each: Annotated[str | None, Parameter(help="draw period profiles: session, day, week, month, or a number of bars, e.g. 30")] = (
        None
    )
    split: Annotated[list[str], Parameter(help="split the period profile at the bar starting at this time; repeatable", negative="")] = (
        field(default_factory=list[str])
    )
    merge: Annotated[list[str], Parameter(help="merge the two period profiles that meet at this time; repeatable", negative="")] = field(
        default_factory=list[str]
    )
    profile_width: Annotated[int | None, Parameter(help="width of the longest row, % of the profile's width")] = None
    profile_buy: Annotated[str, Parameter(help="buy colour: a name such as blue, or #0072b2")] = "theme"
    profile_sell: Annotated[str, Parameter(help="sell colour")] = "theme"
    profile_value_area: Annotated[str, Parameter(help="colour of VAH, VAL and rows without a side")] = "theme"
    profile_side: Annotated[bool, Parameter(help="apply these settings to the visible range profile too", negative="")] = False
    profile_extend: Annotated[bool, Parameter(help="extend POC, VAH and VAL to the right edge", negative="")] = False

    def put_on(self, anchors: ChartProfiles) -> None:
        """Add the profiles, with their settings, to a chart; none of them is selected.

        With `profile_side`, the visible range profile gets the settings too.

        Raises
        ------
        BadInputError
            If an option is invalid, e.g. a time or a range.
        """
        anchors.inputs = replace(self._inputs(anchors.inputs), width_percent=self.profile_width or anchors.inputs.width_percent)
        if self.profile_side:
            side, width = self._inputs(anchors.side), self.profile_width or anchors.side.width_percent
            anchors.set_side(replace(side, width_percent=width, extend_poc=True, extend_vah=True, extend_val=True))
        for text in self.anchor:
            anchors.add(parse_time(text))
        for text in self.range:
            begin, slash, end = text.partition("/")
            if not slash:
                raise BadInputError(f"--range: found {text!r}, expected two times separated by a slash, FROM/TO")
            anchors.add(parse_time(begin), parse_time(end))
        for text in self.composite:
            for part in text.split(","):
                begin, _, end = part.partition("/")
                time_range = TimeRange(parse_time(begin), parse_time(end) if end else None)
                anchors.choose(PlacedProfile(0, begin, (time_range,), anchors.inputs))
            anchors.compose()
        anchors.select(None)
        self._put_periods_on(anchors)

    def _put_periods_on(self, anchors: ChartProfiles) -> None:
        if self.profile_each is None:
            if self.split or self.merge:
                raise BadInputError("--split and --merge require --profile-each")
            return
        inputs = replace(anchors.inputs, width_percent=self.profile_width or 70, extend_poc=False, extend_vah=False, extend_val=False)
        anchors.show_periods(self._periods(self.profile_each, inputs))
        for text in self.split:
            anchors.split_period(parse_time(text))
        for text in self.merge:
            anchors.merge_periods(parse_time(text))

    def _inputs(self, usual: ProfileSettings) -> ProfileSettings:
        colours = (self.profile_buy, self.profile_sell, self.profile_value_area)
        return replace(
            usual,
            rows=self._rows(),
            volume=VolumeDisplay(self.profile_volume),
            placement=Placement(self.profile_place),
            extend_poc=self.profile_extend,
            extend_vah=self.profile_extend,
            extend_val=self.profile_extend,
            colours=ProfileColours(*(parse_colour_name(colour) for colour in colours)),
        )

    @staticmethod
    def _periods(text: str, inputs: ProfileSettings) -> PeriodProfiles:
        if text in {each.value for each in PeriodKind if each is not PeriodKind.BARS}:
            return PeriodProfiles(PeriodKind(text), inputs=inputs)
        if not text.isdigit() or int(text) < 1:
            raise BadInputError(f"--profile-each: found {text!r}, expected session, day, week, month, or a number of bars")
        return PeriodProfiles(PeriodKind.BARS, int(text), inputs)

    def _rows(self) -> RowLayout:
        if self.profile_rows is not None and self.profile_ticks is not None:
            raise BadInputError("--profile-rows and --profile-ticks are mutually exclusive")
        if self.profile_rows is not None:
            return RowLayout(RowMode.ROWS, self.profile_rows)
        return RowLayout() if self.profile_ticks is None else RowLayout(RowMode.TICKS, self.profile_ticks)
