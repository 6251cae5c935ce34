"""The certificate authorities that connections trust: the system's, or those that the environment names."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import httpx2

from app.errors import VenueRefusedError


def trusted_authorities() -> ssl.SSLContext:
    """TLS settings with the trusted certificate authorities, for WebSocket and REST connections alike.

    `SSL_CERT_FILE` names a file of authorities in PEM format, `SSL_CERT_DIR` a folder of them as made by `openssl rehash`; if one is
    set, it replaces the system's authorities; if both are set, both count.

    Raises
    ------
    VenueRefusedError
        If the file or the folder cannot be read.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        return httpx2.create_ssl_context(trust_env=False)
    if folder and not Path(folder).is_dir():
        raise VenueRefusedError(f"SSL_CERT_DIR: found {folder}, expected a folder of certificates")
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # also a file that is not in PEM format
        words = f"SSL_CERT_FILE: found {file}, expected a file of certificates in PEM format"
        raise VenueRefusedError(words, detail=f"{words}: {error!r}") from None
