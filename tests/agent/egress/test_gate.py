import base64
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.deidentification import Identifiers
from agent.egress.gate import Gate
from agent.errors import NotPermitted
from agent.messages import QuestionMessage, ResultsMessage
from tests.agent.egress.deidentification.charts import CHART, PATIENT, result, session, system

pytestmark = pytest.mark.anyio
URL = "https://api.vendor.example/v1/messages"
NOTE = "Amara Okafor of 48 Tannery Lane, Wrenfield, phone (617) 555-0142, seen by Dr. Adeyemi on 3 May 2019."


class Vendor:
    """A stand-in for a hosted model that keeps each byte it gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(str(request.url).encode() + str(request.headers).encode() + request.content)
        return httpx.Response(200, json={})


def client(vendor: Vendor, chart: list[dict[str, Any]] = CHART, **more: Any) -> httpx.AsyncClient:
    dictionary = Identifiers.of(chart)
    gate = Gate(
        httpx.MockTransport(vendor), more.pop("host", "api.vendor.example"), lambda: dictionary, **more
    )
    return httpx.AsyncClient(transport=gate)


async def refused(body: Any, url: str = URL, **more: Any) -> str:
    """What the gate says; fails where anything was sent."""
    vendor = Vendor()
    async with client(vendor) as http:
        with pytest.raises(NotPermitted) as stopped:
            await http.post(url, json=body, **more)
    assert not vendor.got
    return str(stopped.value)


async def sent(body: Any, chart: list[dict[str, Any]] = CHART, url: str = URL, **more: Any) -> bytes:
    vendor = Vendor()
    async with client(vendor, chart, **more) as http:
        await http.post(url, json=body)
    return vendor.got[0]


async def test_what_was_de_identified_passes() -> None:
    by = session()
    row = {"ref": "DocumentReference/n", "date": "2019-05-03", "author": "Dr. Adeyemi", "passage": NOTE}
    out = by.messages(
        [system(), QuestionMessage(text=NOTE), ResultsMessage(results=(result(row, tool="search_notes"),))]
    )
    vendor = Vendor()
    gate = Gate(httpx.MockTransport(vendor), "api.vendor.example", lambda: by.chart)
    async with httpx.AsyncClient(transport=gate) as http:
        await http.post(URL, json={"messages": [message.model_dump(mode="json") for message in out]})
    assert b"PERSON_1" in vendor.got[0]


async def test_raw_messages_are_stopped() -> None:
    raw = [system(), ResultsMessage(results=(result({"ref": "DocumentReference/n", "passage": NOTE}),))]
    why = await refused({"messages": [message.model_dump(mode="json") for message in raw]})
    assert "PERSON" in why
    assert "Okafor" not in why


PLANTED = [
    "Amara Okafor", "OKAFOR", "okafor's", "the Okafors", "Ôkàfór", "Oka\u200bfor", "Amara\n  Okafor",
    "A. Okafor",
    "A.N.O.", "amaraokafor", "o k a f o r", "Maro", "Tunde Adeyemi", "Dr Adeyemi",
    "MRN-7734021", "mrn 7734021",
    "912-44-8013", "912448013", "617.555.0142", "+1 617 555 0142", "6175550142",
    "amara@okafor.example",
    "48 TANNERY LANE", "Tannery Lane", "Wrenfield", "Harbour Lights Clinic",
    "XQ88123407", "SN-4410-TZ",
    "9941339108", "Patient/amara-okafor", "Observation/abc", "May Will", "1968-03-14", "14 March 1968",
    "3/14/1968", "March 14, 1968", "03-14-68", "somebody@else.example", "https://a.example.com/x",
    "10.11.12.13",
    "a 93-year-old woman", "Boston, MA 02139", "SSN 078-05-1120",
]  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("where", ["value", "key", "deep"])
async def test_each_value_of_the_dictionary_and_each_pattern_is_found(planted: str, where: str) -> None:
    said = f"The note says {planted} today."
    body: Any = {"value": {"text": said}, "key": {said: 1}, "deep": [{"a": [{"b": ["x", said]}]}]}[where]
    await refused(body)


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: quote(text, safe=""),
        lambda text: "".join(f"%{ord(one):02X}" for one in text),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
        lambda text: text.encode().hex(),
        lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
        lambda text: "".join(f"&#{ord(one)};" for one in text),
        lambda text: "".join(chr(ord(one) + 0xFEE0) if one != " " else one for one in text),
        "\u200d".join,
        json.dumps,
    ],
    ids=[
        "url", "percent", "base64", "base64url", "base64 twice", "hex", "escapes", "html",
        "fullwidth", "unseen", "json",
    ],
)  # fmt: skip
async def test_a_name_does_not_pass_in_disguise(hide: Any) -> None:
    await refused({"text": f"x {hide('Amara Okafor')} y"})


async def test_numbers_headers_and_addresses_are_read_too() -> None:
    await refused({"id": 6175550142})
    await refused({}, url=f"{URL}?for=okafor")
    await refused({}, url=f"{URL}/ok%61for")
    await refused({}, headers={"x-note": "Amara Okafor"})


async def test_the_key_is_the_hosts_own() -> None:
    vendor = Vendor()
    async with client(vendor) as http:
        await http.post(
            URL, json={}, headers={"authorization": "Bearer sk-1234567890123456", "x-api-key": "k" * 40}
        )
    assert vendor.got


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"Amara Okafor", {"content-type": "text/plain"}),
        (b"\xff\xfe", {"content-type": "application/json"}),
        (b"{", {"content-type": "application/json"}),
        (b"{}", {"content-type": "application/json", "content-encoding": "gzip"}),
        (b"[" * 100_000, {"content-type": "application/json"}),
        (b"{}", {}),
        (b'{"text": "' + b"1-" * 2000 + b'"}', {"content-type": "application/json"}),
    ],
)
async def test_what_cannot_be_read_is_stopped(content: bytes, headers: dict[str, str]) -> None:
    vendor = Vendor()
    async with client(vendor) as http:
        with pytest.raises(NotPermitted):
            await http.post(URL, content=content, headers=headers)
    assert not vendor.got


async def test_of_two_same_keys_both_are_read() -> None:
    vendor = Vendor()
    async with client(vendor) as http:
        body = b'{"text": "Amara Okafor", "text": "fine"}'
        with pytest.raises(NotPermitted):
            await http.post(URL, content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "url",
    [
        "http://api.vendor.example/v1", "https://other.example/v1", "https://api.vendor.example.evil.example/",
        "http://127.0.0.1/v1", "https://user:pass@api.vendor.example/v1",
    ],
)  # fmt: skip
async def test_no_other_host_is_open(url: str) -> None:
    await refused({}, url=url)


async def test_this_machine_is_open_over_http_where_that_is_said() -> None:
    assert await sent({}, url="http://127.0.0.1:8000/v1", host="127.0.0.1", loopback=True)
    vendor = Vendor()
    async with client(vendor, host="127.0.0.1") as http:
        with pytest.raises(NotPermitted):
            await http.post("http://127.0.0.1:8000/v1", json={})


async def test_a_patient_called_may_or_will_does_not_stop_every_sentence() -> None:
    chart = [{"resourceType": "Patient", "id": "p1", "name": [{"given": ["May"], "family": "Will"}]}]
    for text in (
        "You may answer; it will end.",
        "Will continue metformin.",
        "May be seen in May 2019.",
        "in May",
    ):
        assert await sent({"text": text}, chart)
    vendor = Vendor()
    for text in (
        "Spoke with May today.",
        "Will reports pain.",
        "may will",
        "MAY WILL",
        "Mrs. Will",
        "so Will said",
    ):
        async with client(vendor, chart) as http:
            with pytest.raises(NotPermitted):
                await http.post(URL, json={"text": text})
    assert not vendor.got


async def test_names_of_models_may_hold_a_date() -> None:
    assert await sent({"model": "planner-4-20251101", "messages": []})


@given(
    where=st.integers(0, 3),
    case=st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    gap=st.sampled_from([" ", "  ", "\t", "\n", "-", "_", ", ", "\u00a0"]),
)
async def test_a_full_name_never_passes_however_it_is_written(where: int, case: Any, gap: str) -> None:
    name = case(gap.join(["Amara", "Okafor"]))
    body: Any = [{"a": name}, {name: 1}, [[name]], {"a": f"xx {name}. yy"}][where]
    await refused(body)


async def test_nothing_identifies_in_the_request_that_is_sent() -> None:
    by = session()
    out = by.messages([system(), QuestionMessage(text=NOTE)])
    got = await sent({"messages": [message.model_dump(mode="json") for message in out]})
    assert PATIENT.encode() not in got
