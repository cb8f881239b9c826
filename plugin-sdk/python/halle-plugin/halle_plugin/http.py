"""Calling APIs: JSON, links, pages, query parameters. Connectors and processings only; adapters use the messages."""

from __future__ import annotations

import json as _json
import re
from typing import Any, Callable, Iterator, Mapping, Optional
from urllib.parse import quote

from . import _types as wire
from .host import ask, interface
from .problem import Fault, Problem, fault_of
from .run import check_cancelled

_COME_BACK_LATER = (429, 502, 503, 504)


def request(
    method: str,
    url: str,
    *,
    headers: Optional[Mapping[str, str]] = None,
    json: Any = None,
    body: Optional[bytes] = None,
    auth: Optional[str] = None,
    timeout_ms: Optional[int] = None,
    max_bytes: Optional[int] = None,
) -> wire.WireRequest:
    """A request, as the contract has it. `json` becomes the body; `auth` names the secret that authorises it.

    >>> request("POST", "https://a.test", json={"a": 1}).body
    b'{"a":1}'
    """
    pairs = [(name.lower(), value) for name, value in (headers or {}).items()]
    if json is not None:
        body = _json.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        pairs.append(("content-type", "application/json"))
    return wire.WireRequest(method, url, pairs, body, auth, timeout_ms, max_bytes)


class Response:
    """An answer, whole."""

    def __init__(self, answer: wire.WireResponse, url: str) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.body
        self.truncated = answer.truncated
        self.url = url

    def header(self, name: str) -> Optional[str]:
        """The first header with a name."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def is_ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def fault(self) -> Optional[Fault]:
        """What it means when it is not 2xx, as `fault_of` has it."""
        return fault_of(self.status)

    def text(self) -> str:
        """The body as text; invalid bytes become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def ok(self) -> Response:
        """Itself when the status is 2xx; else raises `remote/status`, with the beginning of the answer."""
        if self.is_ok:
            return self
        raise Problem.of_answer(self.url, self.status, self.header("retry-after"), self.text()[:300])

    def json(self) -> Any:
        """The body as JSON; raises `remote/json` when it is not, `remote/too-large` when it was cut."""
        if self.truncated:
            raise Problem("remote/too-large", f"La réponse de {self.url} est trop longue.")
        try:
            return _json.loads(self.body)
        except ValueError as error:
            raise Problem("remote/json", f"La réponse de {self.url} n'est pas du JSON : {error}") from None


def send(message: wire.WireRequest) -> Response:
    """Makes a request and reads the answer, of any status."""
    return Response(ask(interface("http").send, message), message.url)


def get_json(url: str, **options: Any) -> Any:
    """The JSON at a URL; statuses other than 2xx are problems. Options are those of `request`."""
    headers = {"accept": "application/json", **options.pop("headers", {})}
    return send(request("GET", url, headers=headers, **options)).ok().json()


def post_json(url: str, json: Any, **options: Any) -> Any:
    """Sends JSON and reads JSON; statuses other than 2xx are problems."""
    headers = {"accept": "application/json", **options.pop("headers", {})}
    return send(request("POST", url, headers=headers, json=json, **options)).ok().json()


def send_patiently(message: wire.WireRequest, tries: int = 3) -> Response:
    """Makes the request again when the answer says to come back later (429, 502, 503, 504), at most `tries` times in all.

    Plugins have no clock to wait by: the host paces requests.
    """
    for _ in range(tries - 1):
        response = send(message)
        if response.status not in _COME_BACK_LATER:
            return response
        check_cancelled()
    return send(message)


def next_link(response: Response) -> Optional[str]:
    """The target of `rel=next` in the `Link` header of an answer."""
    for link in re.split(r",(?=\s*<)", response.header("link") or ""):
        found = re.match(r"\s*<([^>]*)>(.*)$", link)
        if found and re.search(r';\s*rel="?next"?\s*(;|$)', found[2], re.IGNORECASE):
            return found[1]
    return None


def pages(
    url: str,
    *,
    next_page: Callable[[Response], Optional[str]] = next_link,
    pages_max: int = 10_000,
    **options: Any,
) -> Iterator[Response]:
    """The pages of an API, one after the other: `next_page` says the URL of the page that follows, or `None` at the end.

    Looks between two pages whether somebody asked to stop, and ends with the problem `remote/pages` after `pages_max`.
    """
    following: Optional[str] = url
    for page in range(pages_max):
        if following is None:
            return
        if page > 0:
            check_cancelled()
        response = send_patiently(request("GET", following, **options)).ok()
        yield response
        following = next_page(response)
    if following is not None:
        raise Problem("remote/pages", f"Plus de {pages_max} pages : la suite de {url} ne finit pas.")


def download(url: str, **options: Any) -> Any:
    """Makes a request and keeps the body of the answer on the host: for files. Answers the file, a blob."""
    answer = ask(interface("http").download, request("GET", url, **options))
    if not 200 <= answer.status < 300:
        retry_after = next((value for name, value in answer.headers if name == "retry-after"), None)
        raise Problem.of_answer(url, answer.status, retry_after)
    return answer.body


def upload(message: wire.WireRequest, blob: Any) -> Response:
    """Makes a request whose body is a blob of the host."""
    return Response(ask(interface("http").upload, message, blob), message.url)


def with_query(url: str, params: Mapping[str, Any]) -> str:
    """A URL with query parameters added, encoded; those that are `None` are left out.

    >>> with_query("https://a.b/c?x=1#top", {"q": "été & co", "none": None})
    'https://a.b/c?x=1&q=%C3%A9t%C3%A9%20%26%20co#top'
    """
    base, hash_, fragment = url.partition("#")
    pairs = [f"{quote(name, '')}={quote(str(value), '')}" for name, value in params.items() if value is not None]
    if pairs:
        base += ("&" if "?" in base else "?") + "&".join(pairs)
    return base + hash_ + fragment
