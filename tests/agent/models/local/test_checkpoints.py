"""Weights on disk: found and checked."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ModelUnavailable, UsageError
from agent.models.local.checkpoints import (
    DEFAULT,
    KNOWN,
    MANIFEST,
    checked,
    find,
    full_name,
    listed,
    unlisted,
)
from agent.models.local.fetching import copy
from agent.models.local.fit import PUBLISHED
from tests.agent.models.local.conftest import NAME, quiet


def test_a_model_taken_from_a_disk_is_found_by_its_name_with_or_without_its_maker(
    source: Path, models: Path
) -> None:
    made = copy(source, NAME, models, quiet)
    assert (made.name, made.revision) == (NAME, "local")
    assert set(made.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert made.config == {"model_type": "gemma3"}
    assert [find(name, models) for name in (NAME, "medgemma-tiny", f"{NAME}@local")] == [made] * 3
    assert listed(models) == [made]


def test_a_path_is_a_model_too(source: Path, models: Path) -> None:
    assert find(str(source), models).name == "disk"


@pytest.mark.parametrize("name", ["", "medgemma-27b-it", DEFAULT, f"{DEFAULT}@1234"])
def test_what_is_not_there_is_told_with_the_command_that_fetches_it(models: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable, match="models pull google/medgemma-27b-it`"):
        find(name, models)


def test_a_known_model_may_be_named_without_its_maker_and_what_is_no_name_is_refused() -> None:
    assert full_name("medgemma-4b-it") == "google/medgemma-4b-it"
    assert full_name("someone/gemma-3-tuned") == "someone/gemma-3-tuned"
    for wrong in ("", "gemma", "../x/y", "a b/c", "a/b@c", "/etc", "a/.."):
        with pytest.raises(UsageError, match="no model's name"):
            full_name(wrong)


def test_the_shapes_of_every_known_model_are_at_hand() -> None:
    assert set(PUBLISHED) == set(KNOWN)


def test_a_path_whose_index_names_a_missing_part_is_no_whole_model(source: Path, models: Path) -> None:
    index = source / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}))
    with pytest.raises(ModelUnavailable, match=r"model-2\.safetensors is missing"):
        find(str(source), models)
    index.write_text("[")
    with pytest.raises(ModelUnavailable, match=r"index\.json is damaged"):
        find(str(source), models)


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


def test_an_altered_template_is_found_at_each_load_though_its_size_is_the_same(
    source: Path, models: Path
) -> None:
    made = copy(source, NAME, models, quiet)
    (made.path / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json was altered"):
        find(NAME, models)


@pytest.mark.parametrize("manifest", ["[]", "{", '{"name": 1}', "\0"])
def test_a_damaged_manifest_is_said_to_be_damaged_and_hides_no_other_model(
    source: Path, models: Path, manifest: str
) -> None:
    made, other = copy(source, NAME, models, quiet), copy(source, "google/other", models, quiet)
    (made.path / MANIFEST).write_text(manifest)
    with pytest.raises(ModelUnavailable, match=f"{MANIFEST} is missing or damaged"):
        find(NAME, models)
    assert find("google/other", models) == other
    assert (listed(models), unlisted(models)) == ([other], [made.path])


def test_a_revision_in_a_manifest_names_no_other_folder(source: Path, models: Path) -> None:
    written = {"name": NAME, "revision": "../../../x", "files": {}}
    (source / MANIFEST).write_text(json.dumps(written))
    assert find(str(source), models).revision == "x"


@pytest.mark.parametrize("config", ["[]", "{", "null"])
def test_a_configuration_that_is_none_is_told_with_its_path(source: Path, models: Path, config: str) -> None:
    (source / "config.json").write_text(config)
    with pytest.raises(ModelUnavailable, match=r"config\.json (is no configuration|cannot be read)"):
        find(str(source), models).config  # noqa: B018
