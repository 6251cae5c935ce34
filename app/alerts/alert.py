"""The words of alerts: a subject, what has to happen to it, how often it is told; and what has fired."""

from __future__ import annotations

import enum

import msgspec


class _Stored(enum.Enum):
    """A choice whose value lies in users' alert files and never changes; `text` is what the screen shows."""

    @property
    def text(self) -> str:
        """The words on the screen."""
        return _TEXTS.get(self, str(self.value))


class SubjectKind(_Stored):
    """What the number is; stored by value, shown as `text`."""

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
    """Over which time a figure is; stored by value, shown as `text`."""

    NOTHING = ""
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    DAY_BEFORE = "day before"
    WEEK_BEFORE = "week before"
    MONTH_BEFORE = "month before"
    PROFILE = "profile"


class Condition(_Stored):
    """What has to happen; stored by value, shown as `text`."""

    TOUCH = "touch"
    CROSS = "cross"
    CROSS_UP = "cross upwards"
    CROSS_DOWN = "cross downwards"
    CLOSE_ABOVE = "close above"
    CLOSE_BELOW = "close below"
    REACH = "reach"
    NEW = "new"


class Trigger(_Stored):
    """How often it fires."""

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
    """What the number is.

    Attributes
    ----------
    kind : Kind
    of : Of
        The period that ends with the present bar, the one before it, or a profile on the chart.
    key : int
        Of the profile, see `app.profiles.chart_profiles`.
    band : int
        Of VWAP: how many deviations away.
    """

    kind: SubjectKind = SubjectKind.PRICE
    of: Scope = Scope.NOTHING
    key: int = 0
    band: int = 0

    @property
    def text(self) -> str:
        """As it is read: `POC of the day`, `VWAP of the week +2 σ`."""
        of = f" of profile {self.key}" if self.of is Scope.PROFILE else f" of the {self.of.text}" if self.of is not Scope.NOTHING else ""
        return f"{self.kind.text}{of}" + (f" {self.band:+d} σ".replace("-", "−") if self.band else "")


class AlertSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to be told.

    Attributes
    ----------
    subject : Subject
    when : When
    value : str
        A price, a quantity, or per cent, as a decimal; empty where the subject is the value.
    often : Often
    note : str
        The user's own words.
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
        """In a line: `price 64000.4: touch`."""
        return f"{self.subject.text}{f' {self.value}' if self.value else ''}: {self.when.text}"


class Alert(AlertSpec, frozen=True, kw_only=True):
    """A wish in the book.

    Attributes
    ----------
    number : int
        Its name in the list; never used again.
    instrument : str
    armed : bool
        False once it has fired and was to fire once.
    armed_ns : int
        Time of the newest trade looked at when it was made or armed again: nothing before that fires it.
    """

    number: int
    instrument: str
    armed: bool = True
    armed_ns: int = 0

    @property
    def spec(self) -> AlertSpec:
        """What is wanted, without its place in the book."""
        return AlertSpec(subject=self.subject, when=self.when, value=self.value, often=self.often, note=self.note, sound=self.sound)


class FiredAlert(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="fired"):
    """An alert that has fired, as it stands in the log.

    Attributes
    ----------
    n : int
        How many have fired so far, with this one.
    alert : int
        Its number.
    instrument : str
    time_ns, trade_id : int
        Of the trade that fired it; of a bar that has ended, of the first trade of the next one.
    price_ticks : int
        Of that trade.
    text : str
        In a line: what, where, at which price or figure.
    late : bool
        It happened while nobody watched.
    sound : str
    """

    n: int = 0
    alert: int
    instrument: str
    time_ns: int
    trade_id: int
    price_ticks: int
    text: str
    late: bool = False
    sound: str = ""


class UnmonitoredSpan(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="unwatched"):
    """A stretch of time in which nobody watched a market, as it stands in the log.

    Attributes
    ----------
    instrument : str
    start_ns, end_ns : int
        Times of the last trade looked at before, and of the first after it.
    why : str
    outcome : str
        What became of it.
    """

    instrument: str
    start_ns: int
    end_ns: int
    why: str
    outcome: str


class ScanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a market has been looked at.

    Attributes
    ----------
    key : int
        Of the last trade, see `TradeStore.keys`.
    time_ns, price_ticks : int
        Of it.
    sides : dict of int to int
        Of alerts whose line is at that very price: on which side of it the price was before, -1 below, 1 above.
    """

    key: int
    time_ns: int
    price_ticks: int
    sides: dict[int, int] = {}


class MissedRange(msgspec.Struct, frozen=True, kw_only=True):
    """Trades that nobody looked at, until they have been fetched and looked at late.

    Attributes
    ----------
    before : Reached
        The last trade looked at before them; moves on while they are looked at.
    after : tuple of int
        The first trade looked at after them, as the columns of a `TradeBatch`.
    end_key : int
    end : tuple of int
        Key, and all, of the trade with which the stretch ends: that one, or while it is open the newest.
    start_ns : int
        Since when nobody watched: the time of the trade before.
    why : str
    open : bool
        The chart has not all that the alerts need yet: live trades are looked at as far as that goes, and once more with the stretch.
    looked, fired : int
        How many trades were looked at late so far, and how many alerts fired.
    told : bool
        What lies beyond a doubt has been told although the trades are not there.
    """

    before: ScanProgress
    after: tuple[int, int, int, int, int]
    end_key: int
    end: tuple[int, int, int, int, int]
    start_ns: int
    why: str
    open: bool = False
    looked: int = 0
    fired: int = 0
    told: bool = False

    @property
    def until_ns(self) -> int:
        """Until when nobody watched."""
        return self.after[0]
