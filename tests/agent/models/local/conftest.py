"""Where the `local` extra is not installed, its tests are not collected: they import it."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.conftest import TEST_ALL

NAME = "google/medgemma-tiny"
FILES = {
    "config.json": b'{"model_type": "gemma3"}',
    "tokenizer.json": b"{}",
    "model.safetensors": bytes(range(256)) * 4096,
    "README.md": b"# not wanted",
}


if importlib.util.find_spec("torch") is None and not os.environ.get(TEST_ALL):
    here = Path(__file__).parent
    collect_ignore = [file.name for file in here.glob("test_*.py") if "pytest.mark.local" in file.read_text()]


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
