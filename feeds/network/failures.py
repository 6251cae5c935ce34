"""Errors for network failures; the class of an error shows whether a retry can help."""

from __future__ import annotations

import email.utils
import ssl
import time

from websockets.exceptions import InvalidProxy, InvalidProxyStatus, InvalidStatus, InvalidURI, ProxyError, SecurityError

from app.errors import FeedError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.market.times import clock_text

_BUSY_S = 60.0  # where the venue asks us to wait and gives no time

_REFUSALS = {
    401: "requires an API key",
    403: "forbids access from here",
    404: "has no such address",
    451: "does not serve this country",
}


def connect_error(error: BaseException, url: str) -> FeedError:
    """The error for a failed attempt to open a WebSocket."""
    host = url.split("/")[2] if url.count("/") >= 2 else url
    detail = f"{url}: {type(error).__name__}: {error}"
    if isinstance(error, InvalidProxyStatus):
        return VenueUnreachableError(f"the proxy for {host} returned HTTP {error.response.status_code}", detail=detail)
    if isinstance(error, InvalidStatus):
        return http_status_error(error.response.status_code, error.response.headers.get("Retry-After"), host)
    if isinstance(error, SecurityError):
        return VenueRefusedError(f"{host} redirects to an unencrypted address", detail=detail)
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_error(error, host)
    if isinstance(error, InvalidProxy) or (isinstance(error, ImportError) and "socks" in str(error)):
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


def http_status_error(code: int, retry_after: str | None, host: str, wall_s: float | None = None) -> FeedError:
    """The error for an HTTP status other than success; for a rate limit, with the seconds to wait."""
    if code in (418, 429):
        now_s = time.time() if wall_s is None else wall_s
        wait_s = _retry_after_s(retry_after, now_s)
        until = clock_text(int((now_s + wait_s) * 1e9), seconds=True)
        words = f"{host}: rate limited until {until} UTC"
        return VenueBusyError(words, retry_after_s=wait_s, detail=f"{host}: HTTP {code}, {wait_s:.0f} s")
    if code in _REFUSALS:
        return VenueRefusedError(f"{host} {_REFUSALS[code]} (HTTP {code})")
    return VenueUnreachableError(f"{host} returned HTTP {code}")


def certificate_error(error: ssl.SSLCertVerificationError, host: str) -> VenueRefusedError:
    """The error for an untrusted certificate.

    It is not retried, as that would only hide it.
    """
    return VenueRefusedError(f"{host}: untrusted certificate: {error.verify_message}", detail=f"{host}: {error}")


def _retry_after_s(text: str | None, now_s: float) -> float:
    """Seconds to wait by a `Retry-After` header, which is a number of seconds or a date; 60 if it is neither."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError):
        return _BUSY_S
