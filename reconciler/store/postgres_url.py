"""What a `postgresql://` URL says: which server, as whom, and whether the way there is safe."""

import logging
import os
import re
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sqlalchemy.engine import URL

from reconciler.store.errors import StoreError

_log = logging.getLogger("reconciler.store")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WEAKER = frozenset({"disable", "allow", "prefer", "require", "verify-ca"})
_PLAIN = re.compile(r"[A-Za-z0-9._:%,/\-]*")
# A server that does not answer must not hold a run for minutes; one whose client is gone must notice.
_PATIENCE: Mapping[str, str] = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "reconciler",
}


def connection_words(url: URL) -> dict[str, str]:
    """The words by which libpq connects, as the URL has them, and what they leave open: time-outs, and `verify-full`
    wherever the server is on another machine. Raises StoreError; warns once of a weaker `sslmode`.
    """
    words = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in url.query.items()}
    if url.host:
        words["host"] = url.host
    for name, value in (("port", url.port), ("user", url.username), ("dbname", url.database)):
        if value:
            words[name] = str(value)
    if not _PLAIN.fullmatch(words.get("host", "")):
        raise StoreError(
            "the host in the state's URL is not one",
            "in a password write @ as %40, / as %2F and : as %3A",
        )
    if url.password is not None:
        words["password"] = str(url.password)
    if not is_local(words):
        words.setdefault("sslmode", "verify-full")
    if words.get("sslmode") == "verify-full" and not _has_roots(words):
        words["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    if not is_local(words) and words["sslmode"] in _WEAKER:
        _warn(words["sslmode"])
    return {**_PATIENCE, **words}


def is_local(words: Mapping[str, str]) -> bool:
    """Whether the server is on this machine for certain: a socket, or a loopback address."""
    if "service" in words:
        return False
    hosts = words.get("hostaddr") or words.get("host") or os.environ.get("PGHOST", "")
    return all(not host or host.startswith("/") or host in _LOOPBACK for host in hosts.split(","))


def told(words: Mapping[str, str]) -> str:
    """The database as sentences name it, without a password."""
    user = f"{words['user']}@" if words.get("user") else ""
    port = f":{words['port']}" if words.get("port") else ""
    return f"postgresql://{user}{words.get('host', '')}{port}/{words.get('dbname', '')}"


def _has_roots(words: Mapping[str, str]) -> bool:
    named = "sslrootcert" in words or "PGSSLROOTCERT" in os.environ
    return named or (Path.home() / ".postgresql" / "root.crt").exists()


@cache
def _warn(sslmode: str) -> None:
    _log.warning(
        "warning: sslmode=%s in the state's URL does not make sure that the server is the right one; "
        "leave it out for verify-full",
        sslmode,
    )
