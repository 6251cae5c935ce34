"""`tapeprint collect` through proxies, with other certificates, regions and clocks, as the help promises, against local servers."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from structlog.testing import LogCapture

from app.entry.cli import run
from app.entry.commands import collect
from app.market.span import Span
from app.storage.disk import DiskStore, stored_instrument
from feeds.venues.bybit import live as bybit
from feeds.venues.okx import live as okx
from tests.counting_venue import CountingVenue, Okx
from tests.counting_venue.in_thread import in_thread
from tests.counting_venue.proxies import LocalProxy

PAIR = "COIN-USDT"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SOCKS_PROXY", "WSS_PROXY", "WS_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
HOSTS = ["openapi.okx.com", "ws.okx.com", "eea.okx.com", "wseea.okx.com", "us.okx.com", "wsus.okx.com", "mine.example", "127.0.0.1"]
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which names the files of a folder, is not installed")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificates of this machine."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return tmp_path / "authority.pem"


@contextmanager
def venue_of(authority: trustme.CA | None, ahead_s: float = 0.0) -> Iterator[CountingVenue]:
    """OKX with one market that trades, encrypted for all of OKX's hosts if there is an authority."""
    tls = None
    if authority is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS).configure_cert(tls)
    with in_thread(CountingVenue(Okx(), [PAIR], rate=100.0, tls=tls, ahead_s=ahead_s)) as venue:
        yield venue


def collected(folder: Path, settings: str = "", seconds: float = 1.5, market: str = f"okx:{PAIR}") -> tuple[int, int]:
    """The exit code of `tapeprint collect`, and the number of trades in its store."""
    (folder / "settings.toml").write_text(settings)
    store = folder / "store"
    code = run(["collect", market, "--store", str(store), "--settings", str(folder / "settings.toml"), "--seconds", str(seconds)])
    try:
        opened = DiskStore(store, write=False)
    except Exception:
        return code, 0
    try:
        known = {found.id for found in opened.instruments()}
        return code, len(opened.tape(stored_instrument(opened, market)).trades(Span(0, 1 << 62))) if market in known else 0
    finally:
        opened.close()


def leads_to(venue: CountingVenue) -> dict[int, str]:
    """OKX's stream is on port 8443."""
    return {8443: venue.ws_url, 0: venue.rest_url}


# -- proxies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "kind", "scheme"),
    [
        ("HTTPS_PROXY", "http", "http"),
        ("https_proxy", "http", "http"),
        ("ALL_PROXY", "http", "http"),
        ("ALL_PROXY", "socks", "socks5"),
        ("ALL_PROXY", "socks", "socks5h"),
        ("HTTPS_PROXY", "socks", "socks5h"),
    ],
)
def test_trades_and_history_come_through_the_proxy(
    variable: str, kind: str, scheme: str, authority: trustme.CA, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: hosts that only the proxy can resolve."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with venue_of(authority) as venue, in_thread(LocalProxy(kind, leads_to(venue))) as proxy:
        monkeypatch.setenv(variable, f"{scheme}://{proxy.address}")
        if scheme == "socks5":  # this one resolves names here
            settings = f'[venues.okx]\nrest_url = "{venue.rest_url}"\nws_url = "{venue.ws_url}"\n'
            asked = {f"an address:{url.rpartition(':')[2]}" for url in (venue.rest_url, venue.ws_url)}
            proxy._to = {int(url.rpartition(":")[2]): url for url in (venue.rest_url, venue.ws_url)} | {0: venue.rest_url}
        else:
            settings, asked = "", {"openapi.okx.com:443", "ws.okx.com:8443"}
        code, n = collected(tmp_path, settings)
        assert code == 0 and n > 20
        assert {each.replace("127.0.0.1", "an address") for each in proxy.asked} == asked


@pytest.mark.parametrize("given", ["trader:secret@", "trader:wrong@", ""])
def test_a_proxy_with_a_login(
    given: str, authority: trustme.CA, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S3: in the proxy's address."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with venue_of(authority) as venue, in_thread(LocalProxy("http", leads_to(venue), login="trader:secret")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{given}{proxy.address}")
        _, n = collected(tmp_path, seconds=1.5 if "secret" in given else 0.7)
        assert (n > 20) == ("secret" in given)
        assert ("the proxy for openapi.okx.com requires a login" in capfd.readouterr().err) == ("secret" not in given)


def test_a_proxy_that_forbids_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """S3: and is asked again."""
    with in_thread(LocalProxy("http", {}, status=403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        assert collected(tmp_path, seconds=0.7)[1] == 0
        said = capfd.readouterr().err
        assert "the proxy forbids connections to openapi.okx.com" in said and "retrying in" in said


@pytest.mark.parametrize("address", ["ftp://127.0.0.1:1", "http://127.0.0.1:port"])
def test_a_wrong_address_of_a_proxy(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S3: final."""
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert collected(tmp_path, seconds=5.0)[0] == 1
    said = capfd.readouterr().err
    assert "cannot use" in said and "proxy" in said


def test_a_socks_proxy_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """S3: the message names it."""
    for package in ("socksio", "python_socks", "python_socks.async_", "python_socks.async_.asyncio"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    assert collected(tmp_path, seconds=5.0)[0] == 1
    assert "cannot use the SOCKS proxy" in (said := capfd.readouterr().err) and "tapeprint[socks]" in said


def test_hosts_of_no_proxy_are_reached_directly(
    authority: trustme.CA, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: live and by REST."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("NO_PROXY", "elsewhere.example,127.0.0.1")
    with venue_of(authority) as venue, in_thread(LocalProxy("http", leads_to(venue))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        code, n = collected(tmp_path, f'[venues.okx]\nrest_url = "{venue.rest_url}"\nws_url = "{venue.ws_url}"\n')
        assert code == 0 and n > 20 and proxy.asked == []


# -- certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["file", pytest.param("folder", marks=needs_openssl), "nothing", "another file"])
def test_certificates_are_trusted_by_file_or_folder_alone(
    by: str, authority: trustme.CA, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S3, A13: live and by REST; without it the message names what to set, and the exit code is 1."""
    if by == "file":
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    elif by == "another file":
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    elif by == "folder":
        command = ["openssl", "x509", "-hash", "-noout", "-in", str(trusted)]
        name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / "rehashed").mkdir()
        shutil.copy(trusted, tmp_path / "rehashed" / f"{name}.0")
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "rehashed"))
    with venue_of(authority) as venue:
        code, n = collected(tmp_path, f'[venues.okx]\nrest_url = "{venue.rest_url}"\nws_url = "{venue.ws_url}"\n')
    said = capfd.readouterr().err
    if by in ("file", "folder"):
        assert code == 0 and n > 20
    else:
        assert (code, n) == (1, 0) and "untrusted certificate" in said and "SSL_CERT_FILE" in said


# -- regions and addresses -------------------------------------------------------------------------


@pytest.mark.parametrize("region", list(okx.REGIONS))
def test_a_region_of_okx_is_collected_from_its_hosts(
    region: str, authority: trustme.CA, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: live trades and REST, at exactly the hosts of the region."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with venue_of(authority) as venue, in_thread(LocalProxy("http", leads_to(venue))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        code, n = collected(tmp_path, f'[venues.okx]\nregion = "{region}"\n')
        ws_url, rest_url = okx.REGIONS[region]
        assert code == 0 and n > 20
        assert set(proxy.asked) == {ws_url.removeprefix("wss://"), f"{rest_url.removeprefix('https://')}:443"}


@pytest.mark.parametrize(
    ("venue", "region"), [*(("bybit", each) for each in bybit.REGIONS), ("bybit-linear", "nl"), ("bybit-inverse", "jp")]
)
def test_a_region_of_bybit_is_asked_at_its_host(venue: str, region: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: for each of its markets."""
    with in_thread(LocalProxy("http", {}, status=502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        for seconds in (0.3, 3.0, 15.0):  # longer where the machine is busy
            collected(tmp_path, f'[venues.bybit]\nregion = "{region}"\n', seconds, f"{venue}:BTCUSDT")
            if proxy.asked:
                break
        assert set(proxy.asked) == {f"{bybit.REGIONS[region][1].removeprefix('https://')}:443"}


def test_an_unknown_region_ends_with_the_known_ones(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """S3: exit code 2, one line."""
    assert collected(tmp_path, '[venues.okx]\nregion = "mars"\n', 5.0)[0] == 2
    assert "venues.okx.region: found 'mars', expected one of eea, us, au" in capfd.readouterr().err


def test_the_environment_wins_over_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: and either over the region."""
    with venue_of(None) as venue:
        monkeypatch.setenv("TAPEPRINT_OKX_WS_URL", venue.ws_url)
        monkeypatch.setenv("TAPEPRINT_OKX_REST_URL", venue.rest_url)
        code, n = collected(tmp_path, '[venues.okx]\nregion = "eea"\nws_url = "ws://127.0.0.1:9"\nrest_url = "http://127.0.0.1:9"\n')
        assert code == 0 and n > 20


def test_a_country_that_is_not_served_ends_with_what_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """S3: 451."""
    with venue_of(None) as venue:
        venue.rest_refusal = 451
        code, n = collected(tmp_path, f'[venues.okx]\nrest_url = "{venue.rest_url}"\nws_url = "{venue.ws_url}"\n', 5.0)
    said = capfd.readouterr().err
    assert (code, n) == (1, 0) and "HTTP 451" in said and "try another venue, or set another region" in said


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead_s", "words"), [(-600.0, "your clock is 10 min fast"), (600.0, "your clock is 10 min slow"), (0.0, "")])
def test_a_wrong_clock_is_said_once_and_no_trade_is_lost(
    ahead_s: float, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logged: LogCapture
) -> None:
    """S2: measured by the venue's answers and trades; the market is live, and the trades have the venue's times."""
    monkeypatch.setattr(collect, "_HEALTH_S", 0.3)
    with venue_of(None, ahead_s) as venue:
        code, n = collected(tmp_path, f'[venues.okx]\nrest_url = "{venue.rest_url}"\nws_url = "{venue.ws_url}"\n', 2.0)
    said = capfd.readouterr().err
    assert code == 0 and n > 20 and f"okx:{PAIR} LIVE" in said
    assert said.count("your clock is") == (1 if words else 0) and words in said
    assert "LAGGING" not in said and "STALE" not in said and re.search(r"[ (]-\d", said) is None
