"""Emulated venues that count sockets, subscriptions, messages and request weight by address, and refuse what exceeds their limits."""

from tests.counting_venue.hyperliquid import Hyperliquid
from tests.counting_venue.okx import Okx
from tests.counting_venue.protocol import Allowance, Protocol, Told
from tests.counting_venue.venue import CountingVenue

__all__ = ["Allowance", "CountingVenue", "Hyperliquid", "Okx", "Protocol", "Told"]
