"""The commands `models list` and `models pull` as a clinic's technician meets them."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from tests.conftest import absent

SHAPE: dict[str, Any] = {
    "model_type": "gemma3_text",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 6,
}


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)
    return data_dir


def disk(folder: Path, **config: Any) -> str:
    """A folder with a model, as on a disk; its weights are no weights."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(SHAPE | config))
    (folder / "model.safetensors").write_bytes(b"\0" * 4096)
    return str(folder)


def listing(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    capsys.readouterr()
    return main(["models", "list", *flags]), capsys.readouterr().out


def test_before_anything_is_fetched_the_list_tells_what_each_variant_takes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = listing(capsys)
    assert code == 0
    assert str(home / "models") in out
    for name in ("medgemma-27b-it", "medgemma-27b-text-it", "medgemma-1.5-4b-it", "medgemma-4b-it"):
        assert f"google/{name}" in out
    assert "21.3 GiB (12.3 weights, 3.4 embeddings and vision, 2.9 context" in out


def test_a_model_from_a_disk_is_listed_with_its_revision_size_and_quantisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "medgemma-4b-it", "--from", disk(tmp_path / "usb")]) == 0
    told = capsys.readouterr()
    assert "--model local:medgemma-4b-it" in told.out
    assert "model.safetensors" in told.err
    code, out = listing(capsys, "--verify")
    (line,) = [line for line in out.splitlines() if line.startswith("google/medgemma-4b-it")]
    assert (code, line.split()[1:5]) == (0, ["local", "0.0", "GiB", "nf4"])


def test_a_file_altered_since_is_found_by_the_full_check_and_the_exit_status_says_so(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "pull", "medgemma-4b-it", "--from", disk(tmp_path / "usb")])
    (config,) = (home / "models").glob("*/config.json")
    config.write_text(config.read_text().replace("64", "65"))
    code, out = listing(capsys)
    assert code == 1
    assert f"{config} was altered since it was fetched" in out


def test_models_that_cannot_be_used_are_listed_with_the_reason(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "pull", "a/llama", "--from", disk(tmp_path / "one", model_type="llama")])
    gptq = {"quantization_config": {"quant_method": "gptq"}}
    main(["models", "pull", "b/gptq", "--from", disk(tmp_path / "two", **gptq)])
    (home / "models" / "c--broken@1").mkdir()
    code, out = listing(capsys)
    assert code == 1
    assert "a/llama: config.json is of no Gemma 3 model" in out
    assert "b/gptq: config.json tells of weights quantised in another way (gptq)" in out
    assert "c--broken@1 has no manifest that can be read" in out


@pytest.mark.local
def test_a_model_that_is_too_large_is_listed_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_spec("torch") is None:  # which knows the memory
        absent("the `local` extra is not installed")
    huge = disk(tmp_path / "usb", hidden_size=65_536, intermediate_size=524_288, num_hidden_layers=600)
    main(["models", "pull", "a/huge", "--from", huge])
    _, out = listing(capsys)
    assert re.search(r"^a/huge .* does not fit: \d+\.\d GiB", out, re.MULTILINE)
    assert re.search(r"^- a/huge: .*set local_offload", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gemma"], "'gemma' is no model's name"),
        (["a/b", "--from", "nowhere"], "holds no model"),
        (["a/b", "--from", "usb", "--revision", "v1"], "leave --revision out"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    disk(tmp_path / "usb")
    given = [str(tmp_path / "usb") if one == "usb" else one for one in arguments]
    assert main(["models", "pull", *given]) == 2
    assert says in capsys.readouterr().err
