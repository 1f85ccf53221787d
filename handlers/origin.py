"""Where a request comes from: which site's page sent it, and which address."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def foreign(request: HTTPConnection, public_url: str) -> bool:
    """Whether a writing request, or a socket, comes from the page of another site."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    # Browsers too old for Sec-Fetch-Site send Origin with every cross-site POST.
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(public_url).netloc}
    return origin is not None and urlsplit(origin).netloc not in own - {""}


def address(request: HTTPConnection) -> str:
    """Where a stranger writes from; empty when a proxy on this machine does not tell."""
    host = request.client.host if request.client else ""
    if host in ("127.0.0.1", "::1"):
        return request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return host
