"""A venue in its own process: it goes on trading while ours is busy, and can be paused like a machine that hangs."""

from __future__ import annotations

import asyncio
import signal
import sys
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.venue_emulator import Market


class VenueElsewhere:
    """An emulated venue in another process; the options are those of `python -m tests.venue_emulator`, e.g. `rate=1000`."""

    def __init__(self, **options: Any) -> None:
        self.market = Market(options.get("market", "spot"))
        self.symbol = options.get("symbol", "BTCUSDT").split(",")[0]
        self._arguments = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        self.ws_url = self.rest_url = ""

    async def __aenter__(self) -> Self:
        command = [sys.executable, "-m", "tests.venue_emulator", "--port", "0", "--connection-limit", "0", *self._arguments]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        said = (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode().split()
        self.ws_url, self.rest_url = (each.partition("=")[2] for each in said)
        self._client = httpx2.AsyncClient(base_url=self.rest_url, trust_env=False, timeout=60)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.aclose()
        if self._process.returncode is None:
            self.hang(False)
            self._process.terminate()
        else:
            print(f"the venue has ended by itself, with {self._process.returncode}", file=sys.stderr)
        await self._process.communicate()

    @property
    def port(self) -> int:
        """The port on which the venue listens."""
        return int(self.rest_url.rpartition(":")[2])

    def hang(self, hanging: bool) -> None:
        """Pause the process, or let it go on."""
        self._process.send_signal(signal.SIGSTOP if hanging else signal.SIGCONT)

    async def inject(self, fault: str, **arguments: Any) -> None:
        """Inject a fault; see `VenueEmulator.inject`."""
        answer = await self._client.get("/_control", params={"fault": fault, **arguments})
        assert answer.status_code == 200, answer.text

    async def stats(self) -> dict[str, Any]:
        """The venue's statistics; see `VenueEmulator.stats`."""
        return (await self._client.get("/_stats")).json()

    async def totals(self, first_id: int, last_id: int) -> dict[str, Any]:
        """Count and sums of trades as in `VenueEmulator.totals`, with `digest`, a hash of every field of these trades."""
        return (await self._client.get("/_totals", params={"first_id": first_id, "last_id": last_id, "digest": 1})).json()
