"""Errors for network failures; the class of an error shows whether a retry can help."""

from __future__ import annotations

import email.utils
import ssl
import time

from websockets.exceptions import InvalidProxy, InvalidProxyStatus, InvalidStatus, InvalidURI, ProxyError, SecurityError

from app.errors import FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.market.times import clock_text

_BUSY_S = 60.0  # where the venue asks us to wait and gives no time

_TURNED_AWAY = {
    401: "requires an API key",
    403: "forbids access from here",
    404: "has no such address",
}
"""Also sent by firewalls that count requests, and while a venue is being changed: they may pass."""


def connect_error(error: BaseException, url: str) -> FeedError:
    """The error for a failed attempt to open a WebSocket."""
    host = host_of(url)
    detail = f"{url}: {type(error).__name__}: {error}"
    if isinstance(error, InvalidProxyStatus):
        return proxy_status_error(error.response.status_code, host, detail)
    if isinstance(error, InvalidStatus):
        return http_status_error(error.response.status_code, error.response.headers.get("Retry-After"), host)
    if isinstance(error, SecurityError):
        return VenueRefusedError(f"{host} redirects to an unencrypted address", detail=detail)
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_error(error, host)
    if isinstance(error, ImportError) and "socks" in str(error):
        return socks_error(host)
    if isinstance(error, InvalidProxy):
        return VenueRefusedError(f"cannot use the proxy for {host}: {error}", detail=detail)
    if isinstance(error, (InvalidURI, ValueError)):
        return VenueRefusedError(f"{url} is not a WebSocket address", detail=detail)
    if isinstance(error, TimeoutError):
        return VenueUnreachableError(f"no answer from {host}", detail=detail)
    if isinstance(error, ConnectionRefusedError):
        return VenueUnreachableError(f"{host} refuses connections", detail=detail)
    if isinstance(error, ProxyError):
        return VenueUnreachableError(f"the proxy for {host} failed", detail=detail)
    if isinstance(error, OSError):
        return VenueUnreachableError(f"cannot reach {host}: {error.strerror or error}", detail=detail)
    return VenueUnreachableError(f"{host} closed the connection", detail=detail)


def host_of(url: str) -> str:
    """The host of an address, with the port if the address has one."""
    return url.split("/")[2] if url.count("/") >= 2 else url


def http_status_error(code: int, retry_after: str | None, host: str, wall_s: float | None = None) -> FeedError:
    """The error for an HTTP status other than success; for a rate limit, with the seconds to wait."""
    if code in (418, 429):
        now_s = time.time() if wall_s is None else wall_s
        wait_s = _retry_after_s(retry_after, now_s)
        until = clock_text(int((now_s + wait_s) * 1e9), seconds=True)
        words = f"{host}: rate limited until {until} UTC"
        return VenueBusyError(words, retry_after_s=wait_s, detail=f"{host}: HTTP {code}, {wait_s:.0f} s")
    if code == 451:
        remedy = "try another venue, or set another region or host of this one in the settings"
        return VenueRefusedError(f"{host} does not serve this country (HTTP 451): {remedy}")
    if code == 407:
        return proxy_status_error(code, host)
    if code in _TURNED_AWAY:
        return VenuePausedError(f"{host} {_TURNED_AWAY[code]} (HTTP {code})")
    return VenueUnreachableError(f"{host} returned HTTP {code}")


def proxy_status_error(code: int, host: str, detail: str = "") -> VenueUnreachableError:
    """The error for an HTTP status that came from the proxy, not from the venue; `code` is 0 if it is unknown."""
    why = {
        403: f"forbids connections to {host}; ask who runs it to allow this host",
        407: f"for {host} requires a login: HTTPS_PROXY=http://user:password@proxy:port",
    }.get(code, f"for {host} failed")
    return VenueUnreachableError(f"the proxy {why}" + (f" (HTTP {code} of the proxy)" if code else ""), detail=detail)


def socks_error(host: str) -> VenueRefusedError:
    """The error for a SOCKS proxy when the packages that support SOCKS are not installed."""
    return VenueRefusedError(f"cannot use the SOCKS proxy for {host}: install the extra, pip install 'tapeprint[socks]'")


def certificate_error(error: ssl.SSLCertVerificationError, host: str) -> VenueRefusedError:
    """The error for an untrusted certificate.

    The failed connection or request is not tried again, as a retry would only hide the problem.
    """
    remedy = "if a proxy here replaces certificates, name its authority with SSL_CERT_FILE"
    return VenueRefusedError(f"{host}: untrusted certificate: {error.verify_message} ({remedy})", detail=f"{host}: {error}")


def _retry_after_s(text: str | None, now_s: float) -> float:
    """Seconds to wait according to a `Retry-After` header, which is a number of seconds or a date; 60 if it is neither."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError):
        return _BUSY_S
