"""Rules for all tests: no screen unless requested, and a warning in the log fails a test that does not expect it."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from structlog.testing import LogCapture

from feeds.network.host_limits import forget_hosts

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "1")
for _home in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):  # tests must not touch the user's own trades and settings
    os.environ[_home] = tempfile.mkdtemp(prefix="tapeprint-tests-")

# shared machines are slow at times: tests count work, never seconds
settings.register_profile("tapeprint", deadline=None, max_examples=100, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tapeprint")


gc.disable()  # a collection in another thread would destroy widgets there: see app.entry.gc_timer


@pytest.fixture(autouse=True)
def garbage_is_collected_in_this_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect garbage after tests with widgets, and when many objects have been created."""
    yield
    if "qapp" in request.fixturenames or gc.get_count()[0] > 50_000:
        gc.collect()


@pytest.fixture(autouse=True)
def hosts_are_new() -> None:
    """Each test has venues of its own, even on a port that an earlier one has used."""
    forget_hosts()


@pytest.fixture
def logged() -> LogCapture:
    """The log records of this test; a test that requests this fixture may log warnings and errors."""
    return LogCapture()


@pytest.fixture(autouse=True)
def no_stray_log_records(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs a warning or an error without requesting `logged`."""
    expected = "logged" in request.fixturenames
    capture: LogCapture = request.getfixturevalue("logged") if expected else LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.add_log_level, capture], cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)
    if expected:
        return
    stray = [entry for entry in capture.entries if entry["log_level"] in ("warning", "error", "critical")]
    records = [record for phase in ("setup", "call", "teardown") for record in caplog.get_records(phase)]
    stray += [record.getMessage() for record in records if record.levelno >= logging.WARNING]
    assert not stray, f"log records that the test did not expect: {stray}"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded trades; tests that need it are skipped with a reason if TAPEPRINT_REAL_DATA is not set."""
    folder = os.environ.get("TAPEPRINT_REAL_DATA")
    if not folder:
        pytest.skip("TAPEPRINT_REAL_DATA is not set: no recorded trades here")
    return Path(folder)
