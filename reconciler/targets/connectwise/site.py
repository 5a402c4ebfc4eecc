"""Where a ConnectWise is: the address that the user declared, and what may be made of it.

Discovery answers with a path (`v2026_4/`) that becomes part of every later URL. Nothing but one plain path segment is
taken from it, so that an answer can never lead credentials to another host; a site address in it is ignored.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from reconciler.targets.base import TargetError

# On premise, and routed to the tenant's release in the cloud.
ON_PREMISE_CODEBASE = "v4_6_release/"
_CODEBASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}/?")
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_CLOUD = re.compile(r"(api-)?((na|eu|au|aus|za)\.myconnectwise\.net|staging\.connectwisedev\.com)")
_COMPANY = re.compile(r"[^\x00-\x20\x7f-\x9f:+]+")


@dataclass(frozen=True, slots=True)
class Site:
    """The declared address and company. `origin` is scheme, host and port; `setting_names` are what messages name."""

    origin: str
    host: str
    company: str
    setting_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def cloud(self) -> bool:
        """Whether it is ConnectWise's own cloud."""
        return _CLOUD.fullmatch(self.host) is not None

    @property
    def discovery_url(self) -> str:
        """Where the codebase is asked for, without credentials."""
        return f"{self.origin}{self.discovery_path}"

    @property
    def discovery_path(self) -> str:
        """The path of that."""
        return f"/login/companyinfo/{quote(self.company, safe='')}"

    @property
    def hint(self) -> str:
        """What to check when it does not answer as expected."""
        names = ", ".join(self.setting_names.values())
        keys = f" and the keys ({names})" if names else " and the keys"
        api = f"; the API's own host is https://api-{self.host}" if self.lacks_api_host else ""
        return f"the target's url, the company '{self.company}'{keys}{api}"

    @property
    def lacks_api_host(self) -> bool:
        """Whether the url names the host for people, not the one for programs."""
        return self.cloud and not self.host.startswith("api-")

    def base(self, codebase: str) -> str:
        """The URL before every path of the API."""
        return f"{self.origin}/{codebase}apis/3.0"


def site_of(url: str, company: str, setting_names: Mapping[str, str]) -> Site:
    """The site at a declared url. Raises TargetError for a url that is more than an address, or is not https.

    Plain http is taken for a loopback address alone, where nobody else can listen.
    """
    hint = "write it as https://api-na.myconnectwise.net, with nothing after the host"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TargetError(f"the target's url is not a url: {error}", hint) from None
    address = _address(host)
    if parts.username is not None or parts.password is not None:
        raise TargetError("the target's url holds a name or a password", hint)
    if parts.path not in ("", "/") or parts.query or parts.fragment or not (address or _HOST.fullmatch(host)):
        raise TargetError(f"the target's url '{url}' is not the address of a host", hint)
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise TargetError(f"the target's url '{url}' must begin with https://", hint)
    if not _COMPANY.fullmatch(company):
        raise TargetError(f"'{company}' is not a ConnectWise company id", "it is what is typed at the login page")
    name = f"[{host}]" if ":" in host else host
    return Site(f"{parts.scheme}://{name}{f':{port}' if port else ''}", host, company, dict(setting_names))


def codebase_of(info: Any, site: Site) -> str | None:
    """The codebase in a discovery answer, ending with a slash; None where it names none.

    Raises TargetError for `null`, which is ConnectWise's word for a company that it does not know, and for a codebase
    that is anything else than one segment of a path.
    """
    if info is None:
        raise TargetError(
            f"ConnectWise at {site.host} knows no company '{site.company}'",
            "the target's company is the company id that is typed at ConnectWise's login page",
        )
    codebase = info.get("Codebase") if isinstance(info, dict) else None
    if codebase is None:
        return None
    if not isinstance(codebase, str) or not _CODEBASE.fullmatch(codebase) or ".." in codebase:
        raise TargetError(
            f"{site.host} answers discovery with a codebase that is no path segment ({str(codebase)[:60]!r}); "
            "nothing was sent there"
        )
    return codebase if codebase.endswith("/") else f"{codebase}/"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
