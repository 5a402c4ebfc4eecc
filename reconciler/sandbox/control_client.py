"""Talking to the control routes of a running sandbox. Loopback addresses only."""

import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from reconciler.sandbox import exact_json

TIMEOUT = 60
"""Seconds to wait for an answer."""


class SandboxError(Exception):
    """What was asked of a sandbox cannot be done; the message is for the person who asked."""


def seed_running(url: str, file: Path) -> dict[str, int]:
    """Puts a seed file in the place of everything in the sandbox at `url`; returns the counts by list."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"{file}: cannot be read: {error}") from None
    return seed_text(url, text, str(file))


def seed_text(url: str, text: str, name: str) -> dict[str, int]:
    """The same with the seed's text; `name` is what messages call it."""
    made: dict[str, int] = post(url, f"seed?{urllib.parse.urlencode({'name': name})}", text)["seeded"]
    return made


def bill_running(url: str, month: str) -> list[dict[str, Any]]:
    """Invoices every agreement up to the month (`2026-09`); returns the invoices made, with their lines."""
    invoices: list[dict[str, Any]] = post(url, "bill", exact_json.dumps({"month": month}))["invoices"]
    return invoices


def reset_running(url: str) -> dict[str, int]:
    """Takes the sandbox back to its last seed; returns the counts by list."""
    made: dict[str, int] = post(url, "reset", "")["seeded"]
    return made


def get(url: str, route: str) -> Any:
    """The answer of a control route that reads."""
    return _asked(url, route, None)


def post(url: str, route: str, body: str) -> Any:
    """The answer of a control route that changes something."""
    return _asked(url, route, body.encode("utf-8", "replace"))


def _asked(url: str, route: str, body: bytes | None) -> Any:
    _check(url)
    request = urllib.request.Request(  # noqa: S310 - the address was checked above: http on loopback
        f"{url.rstrip('/')}/sandbox/{route}", data=body, method="GET" if body is None else "POST"
    )
    # A proxy of the environment has no business between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return exact_json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise SandboxError(_message(error, url)) from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise SandboxError(
            f"no sandbox answers at {url} ({reason}); start one with `reconciler sandbox serve`"
        ) from None
    except ValueError:
        raise SandboxError(f"{url} answers, but not as a sandbox does") from None


def _check(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if parts.scheme != "http" or not inside:
        raise SandboxError(f"{url}: a sandbox is reached on this machine alone, as in http://127.0.0.1:8765")


def _message(error: urllib.error.HTTPError, url: str) -> str:
    try:
        return str(exact_json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"{url} answers {error.code}; is it a sandbox?"
