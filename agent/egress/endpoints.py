"""Which endpoints a model may live at: nothing leaves the building by default."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from agent.errors import NotPermitted

_LOOPBACK_4 = ipaddress.ip_network("127.0.0.0/8")


def check_endpoint(url: str, clinic_hosts: Sequence[str]) -> None:
    """Pass only a model endpoint on this machine, or on a host that the clinic lists as its own.

    On this machine means a literal 127.0.0.0/8 or ::1 address, or `localhost`; no name is looked up, so
    a name that merely resolves to loopback does not pass. `clinic_hosts` are host names or addresses
    without scheme or port, matched whole and without regard to case. Raises NotPermitted, naming at most
    the host (never the whole URL, which may carry a password), and saying how to allow it.
    """
    host = _host(url)
    if _is_loopback(host) or host in {_canonical(listed) for listed in clinic_hosts}:
        return
    raise NotPermitted(
        f"The model endpoint's host {host!r} is not this machine and not among the clinic's own hosts, so "
        f"nothing is sent there. If the host stands inside the clinic's network, add {host!r} to "
        "clinic_hosts in the configuration."
    )


def local_client(timeout: float) -> httpx.AsyncClient:
    """An HTTP client that goes only where it is told (`timeout` in seconds).

    It follows no redirect, and it ignores proxy variables and .netrc in the environment: either would
    carry a prompt past `check_endpoint`.
    """
    return httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)


def _host(url: str) -> str:
    """The host that the HTTP client would connect to; NotPermitted where two parsers could disagree."""
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise _unusable("it contains spaces, control characters or backslashes")
    try:
        plain, parsed = urlsplit(url), httpx.URL(url)
        _ = plain.port, parsed.host
    except (ValueError, httpx.InvalidURL):  # ValueError: a port or an international name that is none
        raise _unusable("it is no URL") from None
    if parsed.scheme not in ("http", "https"):
        raise _unusable("its scheme is neither http nor https")
    if "@" in plain.netloc or parsed.userinfo:
        raise _unusable("it carries a user name or password; set the API key instead")
    if not parsed.host or not plain.hostname:
        raise _unusable("it names no host")
    if _canonical(plain.hostname) != _canonical(parsed.host):
        raise _unusable("its host can be read in two ways")
    return _canonical(parsed.host)


def _unusable(why: str) -> NotPermitted:
    return NotPermitted(
        f"The model endpoint's address is refused: {why}. Write it as http://HOST:PORT/v1, with a host on "
        "this machine or one listed in clinic_hosts in the configuration."
    )


def _canonical(host: str) -> str:
    host = host.strip().strip("[]").lower()
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # ::ffff:127.0.0.1 and scoped addresses are left out: one spelling each is enough to configure.
    return address in _LOOPBACK_4 if address.version == 4 else str(address) == "::1"
