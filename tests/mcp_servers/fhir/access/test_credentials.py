"""Credentials towards a FHIR server: what is sent, to whom, and what becomes of a refusal."""

import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.credentials import Header, Key, SmartBackend, read_key
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.errors import NotPermitted
from tests.mcp_servers.fhir.scripted import ScriptedCall, ScriptedFhir, a_call, http_to, observation, outcome
from tests.mcp_servers.fhir.serving import served

SCOPES = "system/*.rs"
PATIENT = {"resourceType": "Patient", "id": "A"}


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, encryption: KeySerializationEncryption | None = None
) -> str:
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return encoded.decode()


@dataclass
class Clinic:
    """A FHIR server that wants tokens, and its authorization server, which verifies assertions."""

    public: Any
    lasts: int | None = 3600
    scope: str | None = SCOPES
    configuration: dict[str, Any] = field(default_factory=dict)
    refuses: Response | None = None
    issued: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    base: str = ""
    fhir: ScriptedFhir = field(default_factory=lambda: ScriptedFhir([PATIENT, observation("1", "A")]))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        if request.url.path == "/fhir/.well-known/smart-configuration":
            return JSONResponse({"token_endpoint": f"{self.base}/token"} | self.configuration)
        if request.url.path == "/token":
            return self.refuses or await self._token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.issued or token in self.revoked:
            return outcome(401, "login", "unknown token")
        return self.fhir

    async def _token(self, request: Request) -> Response:
        form = dict(httpx.QueryParams((await request.body()).decode()))
        claims = jwt.decode(
            form["client_assertion"],
            self.public,
            algorithms=["RS384", "ES384"],
            audience=f"{self.base}/token",
            issuer="navigator",
            leeway=5000,  # a turned clock is ahead of this one
            options={"require": ["exp", "iat", "jti", "sub"]},
        )
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert (form["grant_type"], form["scope"], claims["sub"]) == (
            "client_credentials",
            SCOPES,
            "navigator",
        )
        assert claims["exp"] - claims["iat"] <= 300
        assert claims["jti"] not in self.seen, "an assertion is good once"
        assert "authorization" not in request.headers
        self.seen.add(claims["jti"])
        self.issued.append(f"secret-token-{len(self.issued)}")
        answer = {"access_token": self.issued[-1], "token_type": "bearer", "expires_in": self.lasts}
        return JSONResponse(answer | {"scope": self.scope})


class Clock:
    """A clock that tests turn forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@asynccontextmanager
async def opened(
    clinic: Clinic, key: Key, clock: Callable[[], float] = time.time
) -> AsyncIterator[tuple[FhirClient, SmartBackend]]:
    """A client of the clinic's FHIR server, over real connections."""
    async with served(clinic) as clinic.base, httpx.AsyncClient(verify=False) as tokens:
        auth = SmartBackend(tokens, f"{clinic.base}/fhir/", "navigator", key, SCOPES, clock=clock)
        async with httpx.AsyncClient(base_url=f"{clinic.base}/fhir", auth=auth, verify=False) as http:
            yield FhirClient(http), auth


async def read(client: FhirClient, call: ScriptedCall | None = None) -> str:
    lock = PatientLock("Patient/A", client.base)
    return str((await client.read(checked("Observation/1"), lock, call or a_call()))["id"])


def rs384() -> tuple[Clinic, Key]:
    return Clinic(rsa_key().public_key()), read_key(pem(rsa_key()), "key-1")


@pytest.mark.parametrize(
    "make", [rs384, lambda: (Clinic(ec_key().public_key()), read_key(pem(ec_key()), "key-1"))]
)
@pytest.mark.anyio
async def test_a_signed_assertion_brings_a_token_that_serves_until_it_ends(make: Any) -> None:
    clinic, key = make()
    async with opened(clinic, key) as (client, auth):
        assert [await read(client) for _ in range(3)] == ["1", "1", "1"]
        assert (await auth.granted()).scopes == SCOPES
    assert len(clinic.issued) == 1


@pytest.mark.parametrize(
    ("lasts", "after", "asked"),
    [(3600, 3500, 1), (3600, 3541, 2), (None, 230, 1), (None, 241, 2), (30, 25, 2)],
)
@pytest.mark.anyio
async def test_a_token_is_renewed_before_it_ends(lasts: int | None, after: float, asked: int) -> None:
    clinic, key = rs384()
    clinic.lasts = lasts
    clock = Clock()
    async with opened(clinic, key, clock) as (client, _):
        await read(client)
        clock.ahead = after
        await read(client)
    assert len(clinic.issued) == asked


@pytest.mark.anyio
async def test_a_token_that_the_server_forgot_is_replaced_once() -> None:
    clinic, key = rs384()
    async with opened(clinic, key) as (client, _):
        await read(client)
        clinic.revoked.add(clinic.issued[0])
        assert await read(client) == "1"
        assert len(clinic.issued) == 2
        clinic.revoked = {f"secret-token-{n}" for n in range(9)}
        with pytest.raises(NotPermitted, match="HTTP 401"):
            await read(client)
    assert len(clinic.issued) == 3


@pytest.mark.anyio
async def test_calls_at_once_share_one_token() -> None:
    clinic, key = rs384()
    async with opened(clinic, key) as (client, _), anyio.create_task_group() as group:
        for _ in range(32):
            group.start_soon(read, client)
    assert len(clinic.issued) == 1


@pytest.mark.anyio
async def test_scopes_that_were_not_granted_can_be_seen() -> None:
    clinic, key = rs384()
    clinic.scope = "system/Observation.rs"
    async with opened(clinic, key) as (_, auth):
        assert (auth.scopes, (await auth.granted()).scopes) == (SCOPES, "system/Observation.rs")


@pytest.mark.anyio
async def test_neither_logs_nor_errors_nor_the_trail_hold_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clinic, key = rs384()
    call = a_call()
    async with opened(clinic, key) as (client, auth):
        await read(client, call)
        clinic.revoked = {f"secret-token-{n}" for n in range(9)}
        with pytest.raises(NotPermitted) as caught:
            await read(client, call)
        said = f"{caplog.text} {caught.value} {call} {auth!r}"
    assert clinic.issued
    assert "secret-token" not in said
    assert "client_assertion" not in said
    assert [url.rpartition("/fhir/")[2] for _, url, _ in call.requests] == [
        "metadata", "Observation/1", "Observation/1"
    ]  # fmt: skip


def listing(**configuration: Any) -> Clinic:
    return Clinic(rsa_key().public_key(), configuration=configuration)


async def endless() -> AsyncIterator[bytes]:
    while True:
        await anyio.lowlevel.checkpoint()
        yield b" " * 65536


REFUSED = JSONResponse({"error": "invalid_client", "error_description": "<b>Jane Roe</b>"}, 401)


@pytest.mark.parametrize(
    ("clinic", "says"),
    [
        (Clinic(None, refuses=REFUSED), r"HTTP 401: invalid_client.*registered there"),
        (Clinic(None, refuses=PlainTextResponse("no", 503)), "HTTP 503: no reason given|None"),
        (Clinic(None, refuses=JSONResponse({"token_type": "bearer"})), "without an access token"),
        (Clinic(None, refuses=JSONResponse({"access_token": "a\r\nb"})), "without an access token"),
        (Clinic(None, refuses=JSONResponse({"access_token": "a", "token_type": "mac"})), "another type"),
        (Clinic(None, refuses=StreamingResponse(endless())), "does not end"),
        (Clinic(None, refuses=Response(status_code=302, headers={"Location": "/x"})), "HTTP 302"),
        (listing(token_endpoint="ftp://127.0.0.1/token"), "no token endpoint"),
        (listing(token_endpoint="http://a:b@127.0.0.1/token"), "no token endpoint"),
        (listing(token_endpoint=7), "no token endpoint"),
        (listing(token_endpoint="http://127.0.0.1:1/token"), "cannot be reached"),
        (listing(token_endpoint_auth_methods_supported=["client_secret_basic"]), "not take private_key_jwt"),
        (listing(token_endpoint_auth_signing_alg_values_supported=["ES384"]), "RS384; it takes ES384"),
    ],
)  # fmt: skip
@pytest.mark.anyio
async def test_why_there_is_no_token_is_said_and_no_request_is_sent(clinic: Clinic, says: str) -> None:
    async with opened(clinic, read_key(pem(rsa_key()))) as (client, _):
        with pytest.raises(NotPermitted, match=says) as caught:
            await read(client)
    assert "Jane" not in str(caught.value)
    assert clinic.fhir.seen == []


@pytest.mark.anyio
async def test_a_server_without_smart_configuration_is_named_as_such() -> None:
    async with (
        served(ScriptedFhir()) as base,
        httpx.AsyncClient(verify=False) as tokens,
    ):
        auth = SmartBackend(tokens, base, "navigator", read_key(pem(rsa_key())), SCOPES)
        async with httpx.AsyncClient(base_url=base, auth=auth) as http:
            with pytest.raises(NotPermitted, match="offers no SMART authorization"):
                await read(FhirClient(http))


@pytest.mark.parametrize(
    ("base", "endpoint"),
    [
        ("https://clinic.example/fhir", "http://clinic.example/token"),
        ("https://clinic.example/fhir", "http://127.0.0.1/token"),
        ("http://clinic.example/fhir", "http://clinic.example/token"),
        ("http://127.0.0.1/fhir", "http://elsewhere.example/token"),
    ],
)
def test_no_assertion_is_sent_unprotected_to_another_machine(base: str, endpoint: str) -> None:
    async def ask() -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            assert request.url.path.endswith("smart-configuration"), "the assertion was sent"
            return httpx.Response(200, json={"token_endpoint": endpoint})

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as tokens:
            auth = SmartBackend(tokens, base, "n", read_key(pem(rsa_key())), SCOPES)
            with pytest.raises(httpx.TransportError, match="https"):
                await auth.granted()

    anyio.run(ask)


def test_keys_are_read_as_pem_and_as_jwk() -> None:
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(), as_dict=True)
    assert read_key(json.dumps(jwk | {"kid": "k7"}))[1:] == ("RS384", "k7")
    assert read_key(pem(ec_key()), "k8")[1:] == ("ES384", "k8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no private key"),
        ("{}", "no private key"),
        ('{"kty": "oct", "k": "c2VjcmV0"}', "neither RSA"),
        ("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----", "no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA"),
        (pem(rsa.generate_private_key(65537, 1024)), "neither RSA"),
        (pem(ec_key(), BestAvailableEncryption(b"x")), "no private key"),
        (json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True)), "neither RSA"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_without_being_quoted(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read_key(text)
    assert "secret" not in str(caught.value)


@pytest.mark.anyio
async def test_a_header_goes_with_every_request() -> None:
    app = ScriptedFhir([observation("1", "A")])
    async with http_to(app) as http:
        http.auth = Header("X-Api-Key", "s3cret")
        await read(FhirClient(http))
    assert [request.headers["x-api-key"] for request in app.seen] == ["s3cret", "s3cret"]
