"""The one download, from a stand-in for the Hugging Face hub on loopback, spoken to by the real client."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ModelUnavailable, UsageError
from agent.models.local import fetching
from agent.models.local.checkpoints import checked, find, listed, unfinished
from tests.agent.models.local.conftest import FILES, NAME, quiet
from tests.conftest import absent

pytestmark = pytest.mark.local
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """A stand-in for the Hugging Face hub: one model, one commit, and the faults that a test asks for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.gated = False
        self.gated_files = False
        self.down = False
        self.breaks_after: int | None = None
        self.corrupt = False
        self.asked: list[tuple[str, str]] = []
        self.sent: set[str] = set()
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing: the test's output is its own."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server
        hub.asked.append((self.path, self.headers.get("Range") or ""))
        hub.tokens.add(self.headers.get("Authorization") or "")
        if not self.path.startswith((f"/api/models/{NAME}", f"/{NAME}/resolve/")):
            self.refuse(404, "RepoNotFound")
        elif hub.down:
            self.refuse(503, "")
        elif hub.gated_files and "/resolve/" in self.path and self.headers.get("Authorization") is None:
            self.refuse(401, "GatedRepo")
        elif hub.gated and self.headers.get("Authorization") != "Bearer good":
            self.refuse(403, "GatedRepo")
        elif self.path.startswith("/api/"):
            revision = self.path.partition("/revision/")[2].partition("?")[0] or "main"
            if revision not in ("main", COMMIT):
                self.refuse(404, "RevisionNotFound")
            else:
                self.send(json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings()}).encode(), {})
        else:
            self.file(self.path.rpartition("/")[2])

    def file(self, name: str) -> None:
        content = FILES[name]
        told = {
            "X-Repo-Commit": COMMIT,
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Accept-Ranges": "bytes",
        }
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        if self.server.corrupt and name == "model.safetensors":
            content = b"\xff" + content[1:]
        self.send(content[start:], told, 206 if asked else 200, len(content), start)

    def send(
        self, body: bytes, headers: dict[str, str], status: int = 200, size: int = 0, start: int = 0
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.sent.add(self.path.rpartition("/")[2])
        limit = self.server.breaks_after
        if limit is not None and len(body) > limit:
            self.wfile.write(body[:limit])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(body)

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def siblings() -> list[dict[str, Any]]:
    """What the hub tells of its files; the large one lies in its store for large files."""
    return [
        {"rfilename": name, "size": len(content)}
        | (
            {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 1}}
            if name.endswith(".safetensors")
            else {}
        )
        for name, content in FILES.items()
    ]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError:
        absent("the `local` extra is not installed")
    made = Hub()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", made.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", made.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield made
    made.shutdown()
    made.server_close()


def test_it_is_pinned_to_the_commit_and_every_file_has_its_digest(hub: Hub, models: Path) -> None:
    told: list[tuple[str, int, int]] = []
    made = fetching.pull(NAME, "main", models, None, lambda *one: told.append(one))
    assert (made.name, made.revision) == (NAME, COMMIT)
    assert made.files["model.safetensors"][1] == hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    assert "README.md" not in made.files
    assert find(f"{NAME}@{COMMIT[:8]}", models) == checked(made, content=True)
    assert [file for file, _, _ in told] == list(made.files) or len(told) == 3


def test_a_licence_that_was_not_accepted_says_where_to_accept_it(hub: Hub, models: Path) -> None:
    hub.gated = True
    with pytest.raises(ModelUnavailable, match=f"Accept it at https://huggingface.co/{NAME}"):
        fetching.pull(NAME, "main", models, None, quiet)
    assert fetching.pull(NAME, "main", models, "good", quiet).revision == COMMIT


def test_a_model_that_anyone_may_look_at_but_not_fetch_says_so_too_and_leaves_nothing(
    hub: Hub, models: Path
) -> None:
    hub.gated_files = True
    with pytest.raises(ModelUnavailable, match=f"Accept it at https://huggingface.co/{NAME}"):
        fetching.pull(NAME, "main", models, None, quiet)
    assert unfinished(models) == []
    assert fetching.pull(NAME, "main", models, "good", quiet).revision == COMMIT


def test_a_wrong_revision_and_a_wrong_name_are_told_apart(hub: Hub, models: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no revision v9"):
        fetching.pull(NAME, "v9", models, None, quiet)
    with pytest.raises(ModelUnavailable, match="There is no model google/other"):
        fetching.pull("google/other", "main", models, None, quiet)


def test_half_a_download_is_no_model_and_goes_on_with_the_files_that_lack(hub: Hub, models: Path) -> None:
    hub.breaks_after = 300_000
    with pytest.raises(ModelUnavailable, match="run the same command again"):
        fetching.pull(NAME, "main", models, None, quiet)
    assert listed(models) == []
    with pytest.raises(ModelUnavailable, match="is not whole"):
        find(NAME, models)
    hub.breaks_after = None
    hub.asked.clear()
    made = fetching.pull(NAME, "main", models, None, quiet)
    assert checked(made, content=True) == made
    fetched = {path.rpartition("/")[2] for path, _ in hub.asked if "/resolve/" in path}
    assert fetched == {"model.safetensors"}
    assert unfinished(models) == []


def test_a_file_that_comes_damaged_is_not_kept(hub: Hub, models: Path) -> None:
    hub.corrupt = True
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors came damaged"):
        fetching.pull(NAME, "main", models, None, quiet)
    hub.corrupt = False
    assert fetching.pull(NAME, "main", models, None, quiet).revision == COMMIT


def test_a_hub_that_is_down_says_so(hub: Hub, models: Path) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelUnavailable, match="broke off"):
        fetching.pull(NAME, "main", models, None, quiet)


def test_a_hub_that_is_busy_says_so(hub: Hub, models: Path) -> None:
    hub.down = True
    with pytest.raises(ModelUnavailable, match=r"broke off \(503\); run the same command again"):
        fetching.pull(NAME, "main", models, None, quiet)


def test_too_little_disk_is_told_before_anything_is_fetched(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(ModelUnavailable, match="make room"):
        fetching.pull(NAME, "main", models, None, quiet)
    assert not [path for path, _ in hub.asked if "/resolve/" in path]


def test_what_is_here_whole_is_not_fetched_again(hub: Hub, models: Path) -> None:
    made = fetching.pull(NAME, "main", models, None, quiet)
    hub.asked.clear()
    assert fetching.pull(NAME, "main", models, None, quiet) == made
    assert not [path for path, _ in hub.asked if "/resolve/" in path]


def test_of_a_damaged_model_whole_weights_are_not_fetched_again(hub: Hub, models: Path) -> None:
    made = fetching.pull(NAME, "main", models, None, quiet)
    (made.path / "tokenizer.json").write_bytes(b"[]")
    hub.asked.clear()
    hub.sent.clear()
    assert fetching.pull(NAME, "main", models, None, quiet) == checked(made, content=True)
    assert "tokenizer.json" in hub.sent
    assert "model.safetensors" not in hub.sent
    (made.path / "model.safetensors").write_bytes(b"\0" * 1048576)
    assert fetching.pull(NAME, "main", models, None, quiet) == checked(made, content=True)


def test_offline_by_the_environment_it_is_not_tried(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="unset it for the one download"):
        fetching.pull(NAME, "main", models, None, quiet)
    assert hub.asked == []


def test_the_command_takes_the_token_from_the_environment_and_never_shows_it(
    hub: Hub, tmp_path: Path
) -> None:
    hub.gated = True
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "EHR_"))}
    given = {
        **kept,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hub"),
        "EHR_NAVIGATOR_DATA_DIR": str(tmp_path),
        "HF_TOKEN": "good",
    }
    command = [sys.executable, "-m", "agent.cli", "models", "pull", NAME]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "Bearer good" in hub.tokens) == (0, True)
    assert f"{NAME} at revision {COMMIT}" in done.stdout
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [one for one in (done.stdout.encode(), done.stderr.encode(), *written) if b"good" in one]
    refused = subprocess.run(
        command,
        env={**given, "HF_TOKEN": "bad-token"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert refused.returncode == 1
    assert "is under a licence. Accept it at" in refused.stderr
    assert "bad-token" not in refused.stderr + refused.stdout
