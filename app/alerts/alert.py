"""The definition of an alert (subject, condition, trigger), and the records of firings and scans."""

from __future__ import annotations

import enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

_Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A time, price, id or key; limited to 64 bits, because arrays hold it."""
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""A count that grows by one; limited so that it cannot overflow."""
_Side: TypeAlias = Annotated[int, Meta(ge=-1, le=1)]
_Band: TypeAlias = Annotated[int, Meta(ge=-100, le=100)]


class _Stored(enum.Enum):
    """An enumeration whose values are saved in alert files and therefore never change; the screen shows `text`."""

    @property
    def text(self) -> str:
        """The text that the screen shows for this member."""
        return _TEXTS.get(self, str(self.value))


class SubjectKind(_Stored):
    """The kinds of subject an alert can have; files store the member's `value`, the screen shows `text`."""

    PRICE = "price"
    POC = "POC"
    VAH = "VAH"
    VAL = "VAL"
    VWAP = "VWAP"
    NAKED_POC = "naked POC"
    NAKED_VAH = "naked VAH"
    NAKED_VAL = "naked VAL"
    DELTA = "delta"
    DELTA_PERCENT = "delta %"
    VOLUME = "volume"
    STACKED_BUY = "stacked buying"
    STACKED_SELL = "stacked selling"
    UNFINISHED_HIGH = "unfinished high"
    UNFINISHED_LOW = "unfinished low"
    DIVERGENCE_UP = "CVD divergence at lows"
    DIVERGENCE_DOWN = "CVD divergence at highs"


class Scope(_Stored):
    """The period or profile that an alert's subject covers; files store the member's `value`, the screen shows `text`."""

    NOTHING = ""
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    DAY_BEFORE = "day before"
    WEEK_BEFORE = "week before"
    MONTH_BEFORE = "month before"
    PROFILE = "profile"


class Condition(_Stored):
    """The conditions an alert can wait for; files store the member's `value`, the screen shows `text`."""

    TOUCH = "touch"
    CROSS = "cross"
    CROSS_UP = "cross upwards"
    CROSS_DOWN = "cross downwards"
    CLOSE_ABOVE = "close above"
    CLOSE_BELOW = "close below"
    REACH = "reach"
    NEW = "new"


class Trigger(_Stored):
    """The trigger of an alert: it fires once, once per bar or every time; files store the member's `value`, the screen shows `text`."""

    ONCE = "once"
    ONCE_A_BAR = "once a bar"
    EVERY_TIME = "every time"


_TEXTS: dict[enum.Enum, str] = {
    SubjectKind.STACKED_BUY: "stacked buy imbalance",
    SubjectKind.STACKED_SELL: "stacked sell imbalance",
    SubjectKind.DIVERGENCE_UP: "bullish CVD divergence",
    SubjectKind.DIVERGENCE_DOWN: "bearish CVD divergence",
    Scope.DAY_BEFORE: "previous day",
    Scope.WEEK_BEFORE: "previous week",
    Scope.MONTH_BEFORE: "previous month",
    Condition.CROSS_UP: "cross above",
    Condition.CROSS_DOWN: "cross below",
    Condition.REACH: "reaches",
    Trigger.ONCE_A_BAR: "once per bar",
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The subject of an alert: a price, a line such as a POC or VWAP, naked levels, or a value or event of a bar.

    Attributes
    ----------
    kind : SubjectKind
    of : Scope
        The current period, the one before it, or a profile on the chart; NOTHING if the subject needs none.
    key : int
        Key of the profile, see `app.profiles.chart_profiles`; 0 if `of` is not PROFILE.
    band : int
        For VWAP: the number of standard deviations above (negative: below) it.
    """

    kind: SubjectKind = SubjectKind.PRICE
    of: Scope = Scope.NOTHING
    key: _Count = 0
    band: _Band = 0

    @property
    def text(self) -> str:
        """The subject as text for the screen, e.g. `POC of the day`, `VWAP of the week +2 σ`."""
        of = f" of profile {self.key}" if self.of is Scope.PROFILE else f" of the {self.of.text}" if self.of is not Scope.NOTHING else ""
        return f"{self.kind.text}{of}" + (f" {self.band:+d} σ".replace("-", "−") if self.band else "")


class AlertSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of an alert: subject, condition, value, trigger, note and sound.

    Attributes
    ----------
    subject : Subject
    when : Condition
    value : str
        A price, a quantity or a percentage, as decimal text; empty if the subject needs no value.
    often : Trigger
    note : str
        A note by the user.
    sound : str
        Name of the sound; empty for none.
    """

    subject: Subject = Subject()
    when: Condition = Condition.TOUCH
    value: str = ""
    often: Trigger = Trigger.ONCE
    note: str = ""
    sound: str = "chime"

    @property
    def text(self) -> str:
        """Subject, value and condition in one line, e.g. `price 64000.4: touch`."""
        return f"{self.subject.text}{f' {self.value}' if self.value else ''}: {self.when.text}"


class Alert(AlertSpec, frozen=True, kw_only=True):
    """An alert in the alert store.

    Attributes
    ----------
    number : int
        Identifies it in the list; never reused.
    instrument : str
    armed : bool
        False once an alert that fires only once has fired.
    armed_ns : int
        Time of the last scanned trade when it was added or armed again: no earlier trade fires it.
    """

    number: _Count
    instrument: str
    armed: bool = True
    armed_ns: _Int64 = 0

    @property
    def spec(self) -> AlertSpec:
        """The definition of the alert, without its number and state."""
        return AlertSpec(subject=self.subject, when=self.when, value=self.value, often=self.often, note=self.note, sound=self.sound)


class FiredAlert(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="fired"):
    """One firing of an alert, as recorded in the log.

    Attributes
    ----------
    n : int
        Number of firings of all alerts so far, including this one.
    alert : int
        Number of the alert.
    instrument : str
    time_ns, trade_id : int
        Of the trade that fired it; for a closed bar, of the first trade of the next bar.
    price_ticks : int
        Price of that trade.
    text : str
        One line: what happened, and at which price or value.
    late : bool
        The trade was checked late, after a break in monitoring.
    sound : str
    """

    n: _Count = 0
    alert: _Count
    instrument: str
    time_ns: _Int64
    trade_id: _Int64
    price_ticks: _Int64
    text: str
    late: bool = False
    sound: str = ""


class UnmonitoredSpan(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="unwatched"):
    """A time span in which a market was not monitored, as recorded in the log.

    Attributes
    ----------
    instrument : str
    start_ns, end_ns : int
        Times of the last trade scanned before it, and of the first one after it.
    why : str
    outcome : str
        The result of the late check, in a few words.
    """

    instrument: str
    start_ns: _Int64
    end_ns: _Int64
    why: str
    outcome: str


class ScanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The last scanned trade of a market, and the side from which the price came to each alert line at that trade's price.

    Attributes
    ----------
    key : int
        Key of the trade, see `TradeStore.keys`.
    time_ns, price_ticks : int
        Time and price of the trade.
    sides : dict of int to int
        For alerts whose line is exactly at that price, by number: the side from which the price came, -1 below, 1 above.
    """

    key: _Int64
    time_ns: _Int64
    price_ticks: _Int64
    sides: dict[_Count, _Int64] = {}


class MissedRange(msgspec.Struct, frozen=True, kw_only=True):
    """A range of trades that still has to be fetched and scanned.

    Attributes
    ----------
    before : ScanProgress
        The last trade scanned before the range; moves forward while the range is scanned.
    after : tuple of int
        The first trade scanned after the range, as the columns of a `TradeBatch`.
    end_key : int
    end : tuple of int
        Key and columns of the trade that ends the range: `after`, or the newest trade while the range is open.
    start_ns : int
        Start of the time that was not monitored: the time of the last trade before the range.
    why : str
    open : bool
        The chart does not have all the bars that the alerts need yet: live trades are scanned as far as possible, and once more with
        the range.
    looked, fired : int
        Number of trades checked late so far, and of alerts that fired.
    told : bool
        Crossings that are certain without the missing trades have been reported.
    """

    before: ScanProgress
    after: tuple[_Int64, _Int64, _Int64, _Side, _Int64]
    end_key: _Int64
    end: tuple[_Int64, _Int64, _Int64, _Side, _Int64]
    start_ns: _Int64
    why: str
    open: bool = False
    looked: _Count = 0
    fired: _Count = 0
    told: bool = False

    @property
    def until_ns(self) -> int:
        """End of the time that was not monitored: the time of the first trade scanned after the range."""
        return self.after[0]
