"""Ways to a FHIR server: the credentials that settings stand for, and those that cannot be used."""

import base64
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agent.chores import load_fixtures
from agent.cli import main
from agent.config import Settings, load
from agent.errors import Failed, UsageError
from agent.fhir_access import open_fhir, scopes_shown
from tests.mcp_servers.fhir.serving import served


class Server:
    """A FHIR server that notes what it is shown; its authorization server grants less than is asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.base = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._answer(Request(scope, receive))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.url.path.endswith("smart-configuration"):
            return JSONResponse({"token_endpoint": f"{self.base}/token"})
        if request.url.path == "/token":
            return JSONResponse(
                {"access_token": "t0ken", "token_type": "Bearer", "scope": "system/Patient.rs"}
            )
        self.seen.append(dict(request.headers))
        return JSONResponse({})


def key_file(folder: Path) -> Path:
    path = folder / "key.jwk"
    key = ec.generate_private_key(ec.SECP384R1())
    path.write_text(jwt.algorithms.ECAlgorithm.to_jwk(key))
    return path


async def shown(folder: Path, **settings: Any) -> dict[str, str]:
    """The headers that a server sees with these settings."""
    server = Server()
    async with served(server) as server.base:
        given: dict[str, Any] = {"fhir": server.base, "data_dir": folder, **settings}
        async with open_fhir(Settings(**given)) as http:
            await http.get("Patient/1")
    return server.seen[0]


@pytest.mark.anyio
async def test_every_request_names_this_program(tmp_path: Path) -> None:
    assert (await shown(tmp_path))["user-agent"] == f"ehr-navigator/{version('ehr-navigator')}"


@pytest.mark.anyio
async def test_loading_sample_charts_is_not_done_in_the_name_of_those_who_read_them(tmp_path: Path) -> None:
    server = Server()
    async with served(server) as server.base:
        settings, _ = load({"fhir": server.base, "data_dir": tmp_path}, {})
        with pytest.raises(Failed):
            await load_fixtures(settings, lambda *_: None)
    assert {seen["user-agent"].partition("/")[0] for seen in server.seen} == {"ehr-navigator-fixtures"}


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({}, "authorization", None),
        ({"fhir_token": "abc"}, "authorization", "Bearer abc"),
        ({"fhir_token": "abc", "fhir_header": "X-Api-Key"}, "x-api-key", "abc"),
        (
            {"fhir_user": "nav", "fhir_password": "pw"},
            "authorization",
            f"Basic {base64.b64encode(b'nav:pw').decode()}",
        ),
    ],
)
@pytest.mark.anyio
async def test_the_credentials_that_are_set_go_with_every_request(
    tmp_path: Path, settings: dict[str, Any], header: str, value: str | None
) -> None:
    assert (await shown(tmp_path, **settings)).get(header) == value


@pytest.mark.anyio
async def test_a_backend_service_shows_its_token(tmp_path: Path) -> None:
    seen = await shown(tmp_path, fhir_client_id="nav", fhir_key_file=key_file(tmp_path))
    assert seen["authorization"] == "Bearer t0ken"


@pytest.mark.anyio
async def test_scopes_asked_for_and_granted_are_shown(tmp_path: Path) -> None:
    server = Server()
    async with served(server) as server.base:
        given: dict[str, Any] = {"fhir": server.base, "fhir_client_id": "nav", "data_dir": tmp_path}
        settings = Settings(**given, fhir_key_file=key_file(tmp_path), fhir_scopes="system/*.rs")
        assert await scopes_shown(settings) == "scopes asked for: system/*.rs; granted: system/Patient.rs"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"fhir_token": "abc", "fhir_user": "nav"}, "one kind of credentials.*fhir_token and fhir_user"),
        ({"fhir_client_id": "nav"}, "needs fhir_key_file"),
        ({"fhir_client_id": "nav", "fhir_key_file": Path("absent.pem")}, "cannot be read"),
        ({"fhir_client_id": "nav", "fhir_key_file": Path(__file__)}, "holds no private key"),
    ],
)
@pytest.mark.anyio
async def test_credentials_that_cannot_be_used_are_said_before_any_request(
    tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    given = {"fhir": "http://127.0.0.1:1/fhir", "data_dir": tmp_path, **settings}
    with pytest.raises(UsageError, match=says):
        async with open_fhir(Settings(**given)):
            pass


def test_config_shows_no_secret_and_says_why_no_scope_is_granted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "FHIR": "http://127.0.0.1:1/fhir",
        "FHIR_CLIENT_ID": "nav",
        "FHIR_KEY_FILE": str(key_file(tmp_path)),
        "FHIR_PASSWORD": "s3cret",
        "DATA_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"EHR_NAVIGATOR_{name}", value)
    assert main(["config"]) == 1
    output = capsys.readouterr()
    assert "s3cret" not in output.out + output.err
    assert "smart-configuration cannot be reached" in output.err
