"""What differs between the emulated venues: limits, messages and REST answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from typing import Protocol as TypingProtocol

NO_LIMIT = 10**9


class Told(NamedTuple):
    """One trade as the venue tells it."""

    number: int
    time_ms: int
    price: str
    size: str
    buy: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the venue allows to one address; more is refused and counted."""

    sockets: int = NO_LIMIT
    connects_a_second: int = NO_LIMIT
    connects_a_minute: int = NO_LIMIT
    connects_in_five_minutes: int = NO_LIMIT
    subscriptions: int = NO_LIMIT
    messages_a_minute: int = NO_LIMIT
    weight_a_minute: int = NO_LIMIT


class Answer(NamedTuple):
    """A REST answer with the weight that it costs."""

    status: int
    body: object
    weight: int


class Protocol(TypingProtocol):
    """The messages of one venue.

    Attributes
    ----------
    allowance : Allowance
    welcome : str
        Sent on each new socket; empty for nothing.
    """

    allowance: Allowance
    welcome: str

    def heard(self, message: str, subscribed: set[str], tapes: Mapping[str, Sequence[Told]]) -> list[str]:
        """Change a socket's subscriptions by a message of the client, and return the answers."""
        ...

    def frame(self, market: str, trades: Sequence[Told]) -> str:
        """A message with trades of one market."""
        ...

    def ask(self, path: str, question: dict[str, Any], tapes: Mapping[str, Sequence[Told]]) -> Answer:
        """The answer to a REST request."""
        ...

    def trade_id(self, number: int) -> int:
        """The id under which the client stores a trade."""
        ...
