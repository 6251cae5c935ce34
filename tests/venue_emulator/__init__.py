"""An emulator of Binance's public market data, for tests and demonstrations without a network.

`python -m tests.venue_emulator` runs it as a program; `--help` lists the options. In a test::

    async with VenueEmulator(GeneratedTape(seed=1, rate=1000)) as venue:
        venue.ws_url, venue.rest_url       # give these to the feed
        venue.inject("drop")               # or venue.faults.skip = 0.002
        venue.trades()                     # all trades that have happened
"""

from tests.venue_emulator.faults import Faults, PageFault, Refusal
from tests.venue_emulator.file_tape import FileTape
from tests.venue_emulator.generated_tape import GeneratedTape
from tests.venue_emulator.injection import random_faults
from tests.venue_emulator.market import Market
from tests.venue_emulator.playback import Totals, digest_of
from tests.venue_emulator.tape import Tape
from tests.venue_emulator.venue import VenueEmulator

__all__ = [
    "Faults",
    "FileTape",
    "GeneratedTape",
    "Market",
    "PageFault",
    "Refusal",
    "Tape",
    "Totals",
    "VenueEmulator",
    "digest_of",
    "random_faults",
]
