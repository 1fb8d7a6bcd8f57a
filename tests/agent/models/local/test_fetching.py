"""Weights taken from another folder or disk, all or nothing."""

import json
import os
import shutil
from pathlib import Path

import pytest

from agent.errors import ModelUnavailable, UsageError
from agent.models.local.checkpoints import listed, unfinished
from agent.models.local.fetching import copy, token
from tests.agent.models.local.conftest import NAME, quiet


def test_a_copy_of_a_copy_keeps_its_revision_and_digest(source: Path, tmp_path: Path, models: Path) -> None:
    first = copy(source, NAME, models, quiet)
    again = copy(first.path, NAME, tmp_path / "other", quiet)
    assert (again.revision, again.digest, again.files) == (first.revision, first.digest, first.files)


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
    assert token() == "secret"


def test_a_disk_that_fails_while_it_is_read_leaves_nothing(source: Path, models: Path) -> None:
    def pulled_out(file: str, done: int, total: int) -> None:
        if file == "tokenizer.json":
            (source / file).unlink()

    with pytest.raises(ModelUnavailable, match=r"could not be copied \(No such file.* nothing of it is kept"):
        copy(source, NAME, models, pulled_out)
    assert list(models.iterdir()) == []


def test_who_stops_the_copy_leaves_nothing(source: Path, models: Path) -> None:
    def stopped(file: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, NAME, models, stopped)
    assert list(models.iterdir()) == []


def test_what_an_earlier_try_left_does_not_get_into_a_copy(source: Path, models: Path) -> None:
    part = models / ".google--medgemma-tiny@local.part"
    part.mkdir(parents=True)
    (part / "adapter_config.json").write_text("{}")
    made = copy(source, NAME, models, quiet)
    assert not (made.path / "adapter_config.json").exists()


def test_a_disk_with_another_model_is_not_taken_for_this_one(
    source: Path, tmp_path: Path, models: Path
) -> None:
    other = copy(source, "google/medgemma-4b-it", tmp_path / "other", quiet)
    with pytest.raises(UsageError, match="holds google/medgemma-4b-it, not google/medgemma-tiny"):
        copy(other.path, NAME, models, quiet)


def test_a_disk_that_lacks_a_part_is_refused_before_anything_is_copied(source: Path, models: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelUnavailable, match=r"model-2\.safetensors is missing"):
        copy(source, NAME, models, quiet)
    assert not models.exists()


def test_a_folder_that_cannot_be_made_is_told(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="set models_dir to another"):
        copy(source, NAME, tmp_path / "file" / "models", quiet)
