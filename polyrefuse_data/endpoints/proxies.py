"""The way to an origin: direct, or through the proxy configured in the environment."""

from __future__ import annotations

import urllib.request
from urllib.parse import unquote, urlsplit

import urllib3

from polyrefuse_data.errors import MissingPrerequisite


def open_pool(url: str) -> urllib3.HTTPConnectionPool:
    """A pool of connections to the origin of `url`, none open yet. Respects HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and
    NO_PROXY.

    Raises MissingPrerequisite for an invalid proxy address.
    """
    proxy = _proxy(url)
    if proxy is None:
        return urllib3.PoolManager().connection_from_url(url)
    try:
        return urllib3.ProxyManager(proxy, proxy_headers=_login(proxy)).connection_from_url(url)
    except (urllib3.exceptions.HTTPError, ValueError):
        raise MissingPrerequisite(
            f"the proxy that the environment names for {urlsplit(url).hostname} cannot be used: give http://HOST:PORT "
            "in HTTPS_PROXY or HTTP_PROXY, or exempt the host with NO_PROXY"
        ) from None


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    return found if not found or "://" in found else f"http://{found}"


def _login(proxy: str) -> dict[str, str] | None:
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return dict(urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))
