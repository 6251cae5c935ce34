"""A TCP proxy on loopback that adds network faults to its connections, as Toxiproxy does.

    async with FaultProxy(venue.port) as proxy:
        proxy.port                              # give this to the feed
        proxy.down = [Latency(0.05, 0.02)]      # the venue's bytes arrive late; `proxy.up` is the other direction
        proxy.reset()                           # every connection is cut with a TCP RST

Faults may be changed at any time, also for open connections. Random values come from one seed.
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
