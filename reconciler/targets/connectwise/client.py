"""ConnectWise's API as it is spoken: address, headers, pages, and the one request of a write."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from reconciler import __version__
from reconciler.targets.base import Ambiguous, Refused, TargetError
from reconciler.targets.connectwise.conditions import Condition, encoded
from reconciler.targets.connectwise.errors import psa_error, refused, unanswered
from reconciler.targets.connectwise.site import ON_PREMISE_CODEBASE, Site, codebase_of
from reconciler.targets.exact_json import NotExact, parsed, written
from reconciler.targets.http import Answer, HttpClient, Request

# The model of 2026.4; ConnectWise keeps a model for 12 months after a breaking change made a newer one.
ACCEPT = "application/vnd.connectwise.com+json; version=2026.4, application/json"
PAGE_SIZE = 1000
MOST_RECORDS = 1_000_000
URL_LENGTH = 1900

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What proves who is asking: an API member's key pair, and the id of the integration."""

    client_id: str
    public_key: str
    private_key: str

    def headers(self, company: str) -> dict[str, str]:
        """The headers of every request."""
        return {"Authorization": f"Basic {basic_pair(self, company)}", "clientId": self.client_id}


def basic_pair(keys: Keys, company: str) -> str:
    """What the Authorization header carries: `company+public:private` in base64."""
    return base64.b64encode(f"{company}+{keys.public_key}:{keys.private_key}".encode()).decode()


class Client:
    """One company's API. Made by `connected`."""

    def __init__(self, http: HttpClient, site: Site, keys: Keys, codebase: str) -> None:
        self._http = http
        self._site = site
        self._base = site.base(codebase)
        self._headers = {"Accept": ACCEPT, "User-Agent": f"reconciler/{__version__}", **keys.headers(site.company)}
        self._moving = asyncio.Lock()
        self._gone: set[str] = set()

    def __repr__(self) -> str:
        return f"Client({self._base})"

    async def close(self) -> None:
        """Ends the connections."""
        await self._http.close()

    def room(self, path: str, fields: str) -> int:
        """How many characters of a condition still fit into the URL of a list."""
        # The last page asked for may have a number of ten digits.
        return URL_LENGTH - len(self._url(path, _query(None, fields, "page=0000000000"))) - len("conditions=&")

    async def rows(self, path: str, fields: str, where: Condition | None = None) -> list[Row]:
        """All records of a list that meet a condition, by id. Raises TargetError.

        The first page is asked for by number, for ConnectWise then says by a Link whether there are more, and says
        nothing where one page holds everything. The others are asked for forward-only: `pageId` means the records
        after that id, so that nothing is skipped or seen twice while others write.
        """
        page = await self._page(path, _query(where, fields, "page=1"), {})
        found, last = page.rows, 0
        while page.rows and page.more:
            if len(found) > MOST_RECORDS:
                raise TargetError(f"ConnectWise's list {path} has no end after {len(found)} records")
            last = _last_id(page.rows, last, path)
            query = _query(where, fields, f"pageId={last}", order="")
            page = await self._page(path, query, {"pagination-type": "forward-only"})
            found += page.rows
        if last and page.rows:
            _last_id(page.rows, last, path)
        return found

    async def numbered(self, path: str, parameters: Mapping[str, str]) -> list[Row]:
        """All records of a list that knows neither conditions nor ids of its records, page by page by number.

        A list that others lengthen meanwhile may tell a record twice. Raises TargetError.
        """
        asked = "&".join(f"{name}={encoded(value)}" for name, value in parameters.items())
        found: list[Row] = []
        for number in count(1):
            page = await self._page(path, f"{asked}&pageSize={PAGE_SIZE}&page={number}", {})
            found += page.rows
            if not page.rows or not page.more:
                break
            if len(found) > MOST_RECORDS:
                raise TargetError(f"ConnectWise's list {path} has no end after {len(found)} records")
        return found

    async def write(self, method: str, path: str, content: Any, doing: str) -> Answer:
        """Sends a write, once. Raises NotSent, Refused or Ambiguous; whatever returns is a 2xx."""
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/json"}
        try:
            body = None if content is None else written(content)
        except NotExact as reason:
            raise Refused(f"{doing}: {reason}; nothing was sent", code="not-exact") from None
        answer = await self._http.write(Request(method, self._url(path), path, headers, body))
        if 200 <= answer.status < 300:
            return answer
        error = psa_error(answer)
        if error is None:
            raise Ambiguous(
                f"{doing}: HTTP {answer.status} with a body that is not ConnectWise's own; something between may have "
                "answered in its place, so it cannot be told whether it was done"
            )
        raise refused(error, doing)

    def _url(self, path: str, query: str = "") -> str:
        return f"{self._base}{path}?{query}" if query else f"{self._base}{path}"

    async def _page(self, path: str, query: str, headers: Mapping[str, str]) -> "_Page":
        asking = f"GET {path}"
        answer = await self._read(path, query, headers)
        try:
            rows = parsed(answer.body)
        except ValueError as error:
            raise TargetError(f"ConnectWise's answer to {asking} is not JSON: {error}") from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TargetError(f"ConnectWise's answer to {asking} is not a list of records")
        return _Page(rows, _more(answer.headers.get("link", ""), len(rows)))

    async def _read(self, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        base = self._base
        answer = await self._http.read(Request("GET", self._url(path, query), path, {**self._headers, **headers}))
        if 200 <= answer.status < 300:
            return answer
        error = psa_error(answer)
        lost = error.unroutable if error else answer.status == 404
        if lost and await self._moved(base):
            answer = await self._http.read(Request("GET", self._url(path, query), path, {**self._headers, **headers}))
            if 200 <= answer.status < 300:
                return answer
            error = psa_error(answer)
        raise unanswered(answer, error, f"GET {path}", self._site.hint)

    async def _moved(self, base: str) -> bool:
        """Whether the API is at another base than that one by now. A base that was left is asked about once."""
        async with self._moving:
            if self._base == base and base not in self._gone:
                self._gone.add(base)
                self._base = self._site.base(await discovered(self._http, self._site))
            return self._base != base


async def discovered(http: HttpClient, site: Site) -> str:
    """The codebase of a site. Raises TargetError."""
    request = Request("GET", site.discovery_url, site.discovery_path, {"Accept": "application/json"})
    answer = await http.read(request)
    try:
        info = parsed(answer.body) if answer.status == 200 else {}
    except ValueError:
        info = {}
    codebase = codebase_of(info, site)
    if codebase is None and site.cloud:
        raise TargetError(
            f"{site.host} does not say where the API of company '{site.company}' is (HTTP {answer.status})",
            f"check {site.hint}",
        )
    return codebase or ON_PREMISE_CODEBASE


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Row]
    more: bool


def _query(where: Condition | None, fields: str, page: str, order: str = "orderBy=id%20asc") -> str:
    # `page` stands last: there are clients, and so servers, that rely on it.
    parts = (
        f"conditions={encoded(where.text)}" if where else "",
        f"fields={encoded(fields)}",
        order,
        f"pageSize={PAGE_SIZE}",
        page,
    )
    return "&".join(part for part in parts if part)


def _more(link: str, rows: int) -> bool:
    """Whether the Link header says that another page follows. Its URLs are never called: no host, no path of theirs.

    A full page without any Link is taken as one of more: something between may have dropped the header.
    """
    if not link.strip():
        return rows >= PAGE_SIZE
    url = httpx.Response(200, headers={"link": link}).links.get("next", {}).get("url", "")
    try:
        query = parse_qs(urlsplit(url).query)
    except ValueError:
        return True
    return "pageId" in query or "page" in query


def _last_id(rows: list[Row], after: int, path: str) -> int:
    """The highest id of a page, from which the next one goes on. Raises TargetError where its ids do not rise."""
    for row in rows:
        number = row.get("id")
        if not isinstance(number, int) or number <= after:
            raise TargetError(
                f"ConnectWise's list {path} is not in the order of its ids and cannot be read page by page"
            )
        after = number
    return after
