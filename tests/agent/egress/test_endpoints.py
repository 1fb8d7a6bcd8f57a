"""Nothing leaves by default: only this machine, or a host that the clinic lists."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.endpoints import check_endpoint, local_client
from agent.errors import NotPermitted

LISTED = ["gpu.clinic.example", "10.0.0.7", "fd00::7"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://127.8.9.10/v1",
        "http://localhost:1234/v1",
        "http://LOCALHOST/v1",
        "https://[::1]:8443/v1",
        "http://[0:0:0:0:0:0:0:1]/v1",
    ],
)
def test_a_loopback_endpoint_passes_with_nothing_listed(url: str) -> None:
    check_endpoint(url, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://gpu.clinic.example/v1",
        "http://GPU.clinic.example:8000/v1",
        "http://10.0.0.7:8000/v1",
        "http://[fd00:0::7]:8000/v1",
    ],
)
def test_a_host_that_the_clinic_lists_passes(url: str) -> None:
    check_endpoint(url, LISTED)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.example/v1",
        "https://gpu.clinic.example.evil.example/v1",
        "https://evil-gpu.clinic.example/v1",
        "https://clinic.example/v1",
        "https://sub.gpu.clinic.example/v1",
        "https://gpu.clinic.example./v1",
        "http://10.0.0.70/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://localhost.evil.example/v1",
        "http://evil.example/localhost/v1",
        "http://evil.example/?x=localhost",
        "http://evil.example#@localhost/",
        "http://0.0.0.0/v1",
        "http://2130706433/v1",
        "http://0177.0.0.1/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "http://xn--lcalhost-54a.example/v1",
        "http://lоcalhost/v1",  # a Cyrillic o
    ],
)
def test_any_other_host_is_refused(url: str) -> None:
    with pytest.raises(NotPermitted):
        check_endpoint(url, LISTED)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost@evil.example/v1",
        "http://evil.example@localhost/v1",
        "http://user:secret@localhost/v1",
        "http://localhost:80@evil.example/v1",
        "http://@localhost/v1",
        "http://localhost\\@evil.example/v1",
        "http://evil.example\\.localhost/v1",
        "http:// localhost/v1",
        "http://localhost\t/v1",
        "http://local\nhost/v1",
        "ftp://localhost/v1",
        "file:///etc/passwd",
        "unix://localhost/socket",
        "javascript:alert(1)",
        "localhost:8000/v1",
        "//localhost/v1",
        "http:///v1",
        "http://",
        "",
        "http://localhost:99999/v1",
        "http://localhost:port/v1",
        "http://[::1/v1",
        "http://[::1%25eth0]/v1",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(NotPermitted):
        check_endpoint(url, [*LISTED, "evil.example"])


@pytest.mark.parametrize("url", ["http://xn--clinic.example/v1", "http://xn--/v1"])
def test_a_host_that_is_no_name_is_refused(url: str) -> None:
    with pytest.raises(NotPermitted):
        check_endpoint(url, LISTED)


def test_the_refusal_says_how_to_allow_the_host() -> None:
    with pytest.raises(NotPermitted, match=r"add 'gpu2\.clinic\.example' to clinic_hosts"):
        check_endpoint("https://gpu2.clinic.example/v1", LISTED)


def test_the_refusal_never_repeats_a_password() -> None:
    with pytest.raises(NotPermitted) as refused:
        check_endpoint("http://user:hunter2@localhost/v1", [])
    assert "hunter2" not in str(refused.value)


def test_a_listed_wildcard_matches_nothing() -> None:
    with pytest.raises(NotPermitted):
        check_endpoint("https://api.vendor.example/v1", ["*", "*.vendor.example", ""])


@given(st.text(max_size=40))
def test_whatever_the_text_it_passes_or_is_not_permitted(text: str) -> None:
    for url in (text, f"http://{text}/v1", f"http://localhost{text}/v1"):
        try:
            check_endpoint(url, [])
        except NotPermitted:
            continue
        host = httpx.URL(url).host
        assert host in ("localhost", "::1") or host.startswith("127.")


@pytest.mark.anyio
async def test_the_client_ignores_proxies_and_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    async with local_client(timeout=2.0) as client:
        assert not client.trust_env
        assert not client.follow_redirects
