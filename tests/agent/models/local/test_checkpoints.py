"""Weights on disk: found, copied, checked."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ModelUnavailable, UsageError
from agent.models.local import checkpoints
from agent.models.local.checkpoints import MANIFEST, checked, copy, find, listed, unfinished

NAME = "google/medgemma-tiny"
FILES = {
    "config.json": b'{"model_type": "gemma3"}',
    "tokenizer.json": b"{}",
    "model.safetensors": bytes(range(256)) * 4096,
    "README.md": b"# not wanted",
}


def quiet(file: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_a_model_taken_from_a_disk_is_found_by_its_name_with_or_without_its_maker(
    source: Path, models: Path
) -> None:
    made = copy(source, NAME, models, quiet)
    assert (made.name, made.revision) == (NAME, "local")
    assert set(made.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert made.config == {"model_type": "gemma3"}
    assert [find(name, models) for name in (NAME, "medgemma-tiny", f"{NAME}@local")] == [made] * 3
    assert listed(models) == [made]


def test_a_copy_of_a_copy_keeps_its_revision_and_digest(source: Path, tmp_path: Path, models: Path) -> None:
    first = copy(source, NAME, models, quiet)
    again = copy(first.path, NAME, tmp_path / "other", quiet)
    assert (again.revision, again.digest, again.files) == (first.revision, first.digest, first.files)


def test_a_path_is_a_model_too(source: Path, models: Path) -> None:
    assert find(str(source), models).name == "disk"


def test_what_is_not_there_is_told_with_the_command_that_fetches_it(models: Path) -> None:
    with pytest.raises(ModelUnavailable, match="models pull google/medgemma-27b-it"):
        find("", models)


@pytest.mark.parametrize(
    ("damage", "content", "says"),
    [
        (lambda path: path.unlink(), False, "is missing"),
        (lambda path: path.write_bytes(b"half"), False, "has 4 bytes, not 1048576"),
        (lambda path: path.write_bytes(b"\0" * 1048576), True, "was altered"),
    ],
)
def test_a_file_that_is_damaged_is_named(
    source: Path, models: Path, damage: Any, content: bool, says: str
) -> None:
    made = copy(source, NAME, models, quiet)
    damage(made.path / "model.safetensors")
    with pytest.raises(ModelUnavailable, match=rf"model\.safetensors {says}"):
        checked(made, content=content)


def test_a_damaged_manifest_is_said_to_be_damaged(source: Path, models: Path) -> None:
    made = copy(source, NAME, models, quiet)
    (made.path / MANIFEST).write_text("[]")
    with pytest.raises(ModelUnavailable, match=MANIFEST):
        find(NAME, models)


def test_a_disk_whose_files_differ_from_its_manifest_is_refused_and_nothing_stays(
    source: Path, tmp_path: Path, models: Path
) -> None:
    first = copy(source, NAME, models, quiet)
    (first.path / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(ModelUnavailable, match="damaged"):
        copy(first.path, NAME, tmp_path / "other", quiet)
    assert (listed(tmp_path / "other"), unfinished(tmp_path / "other")) == ([], [])


def test_a_folder_without_weights_is_no_source(tmp_path: Path, models: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json and \*\.safetensors"):
        copy(tmp_path, NAME, models, quiet)


def test_too_little_disk_is_told_before_anything_is_written(
    source: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(ModelUnavailable, match="make room"):
        copy(source, NAME, models, quiet)
    assert unfinished(models) == []


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_TOKEN", "secret")
    assert checkpoints.token() == "secret"
