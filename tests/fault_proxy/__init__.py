"""A TCP proxy on loopback that spoils what goes through it, as Toxiproxy does.

    async with FaultProxy(venue.port) as proxy:
        proxy.port                              # give this to the feed
        proxy.down = [Latency(0.05, 0.02)]      # what the venue sends comes late; `proxy.up` is the other way
        proxy.reset()                           # every line is cut with a TCP RST

What spoils may be changed at any time, also for lines that are open. Chance comes from one seed.
"""

from tests.fault_proxy.plan import Step, play, random_plan, replayable
from tests.fault_proxy.proxy import FaultProxy
from tests.fault_proxy.toxics import Bandwidth, BlackHole, Corrupt, Latency, LimitData, Slicer, SlowClose, Toxic

__all__ = [
    "Bandwidth",
    "BlackHole",
    "Corrupt",
    "FaultProxy",
    "Latency",
    "LimitData",
    "Slicer",
    "SlowClose",
    "Step",
    "Toxic",
    "play",
    "random_plan",
    "replayable",
]
