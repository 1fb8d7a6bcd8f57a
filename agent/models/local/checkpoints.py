"""Models' weights on this machine: which there are, and whether they are whole.

A folder a revision: `ORGANISATION--NAME@REVISION`, with a manifest of the size and SHA-256 of each file.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import ModelUnavailable, UsageError

DEFAULT = "google/medgemma-27b-it"
KNOWN: Mapping[str, str] = {
    "google/medgemma-27b-it": "27B, text and images, trained on FHIR records: the planner",
    "google/medgemma-27b-text-it": "27B, text only",
    "google/medgemma-1.5-4b-it": "4B, text and images: images, small machines",
    "google/medgemma-4b-it": "4B, text and images (first version)",
}
MANIFEST = "ehr-navigator.json"
_UNWANTED = (".gguf", ".pth", ".bin", ".md", ".gitattributes", ".incomplete", ".lock", ".metadata")
_SMALL = 64 * 2**20  # bytes; smaller files are held against their digest at each load, which takes no time
_REVISION = 12  # characters of a commit in a folder's name


@dataclass(frozen=True)
class Checkpoint:
    """Weights on disk. `digest` is of the manifest, and so of every file; a bare path has none."""

    name: str
    revision: str
    path: Path
    files: Mapping[str, tuple[int, str]]
    digest: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """Its config.json. Raises ModelUnavailable where that cannot be read."""
        try:
            found: dict[str, Any] = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelUnavailable(f"{self.path / 'config.json'} cannot be read: {error}.") from None
        if not isinstance(found, dict):
            raise ModelUnavailable(f"{self.path / 'config.json'} is no configuration: fetch the model again.")
        return found

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(size for size, _ in self.files.values())


def full_name(name: str) -> str:
    """The name with its maker, where a known one is named without. Raises UsageError for what is no name."""
    name = f"google/{name}" if f"google/{name}" in KNOWN else name
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise UsageError(f"{name!r} is no model's name; it reads like {DEFAULT}.")
    return name


def listed(folder: Path) -> list[Checkpoint]:
    """The checkpoints in a folder, those fetched last first."""
    found = []
    for path in sorted(_folders(folder), key=lambda path: -path.stat().st_mtime):
        with suppress(ModelUnavailable):
            found.append(read(path))
    return found


def unlisted(folder: Path) -> list[Path]:
    """Checkpoints whose manifest is missing or damaged."""
    readable = {one.path for one in listed(folder)}
    return [path for path in _folders(folder) if path not in readable]


def unfinished(folder: Path) -> list[str]:
    """The names of what was begun to be fetched and is not whole."""
    begun = (
        path for path in folder.glob(".*.part") if any(is_wanted(file.name, file) for file in path.iterdir())
    )
    return sorted(path.name.removeprefix(".").removesuffix(".part") for path in begun)


def find(wanted: str, folder: Path) -> Checkpoint:
    """The checkpoint `NAME`, `NAME@REVISION` (the one fetched last of those that fit), or a folder's path.

    Raises ModelUnavailable where there is none, or a file of it is missing or was changed.
    """
    wanted = wanted or DEFAULT
    if (path := Path(wanted).expanduser()).is_dir():
        return checked(read(path)) if (path / MANIFEST).exists() else bare(path)
    name, _, revision = wanted.partition("@")
    names = (name, f"google/{name}")
    fits = [one for one in listed(folder) if one.name in names and one.revision.startswith(revision)]
    if fits:
        return checked(fits[0])

    def ours(other: str) -> bool:
        return other.partition("@")[0] in [one.replace("/", "--") for one in names]

    for path in filter(lambda path: ours(path.name), unlisted(folder)):
        read(path)
    full = name if "/" in name else f"google/{name}"
    if any(map(ours, unfinished(folder))):
        raise ModelUnavailable(
            f"The download of {name} is not whole; go on with `ehr-navigator models pull {full}`."
        )
    raise ModelUnavailable(
        f"There is no model {wanted} in {folder}; fetch it once with `ehr-navigator models pull {full}`, or"
        " take it from a disk with --from DIR."
    )


def checked(checkpoint: Checkpoint, *, content: bool = False) -> Checkpoint:
    """The checkpoint, once every file has its size and the small ones (configuration, template, tokenizer)
    their digest; with `content`, the weights too (a minute for 27B).

    Raises ModelUnavailable, naming the file.
    """
    for name, (size, sha256) in checkpoint.files.items():
        path = checkpoint.path / name
        if not path.is_file():
            raise ModelUnavailable(f"{path} is missing: fetch the model again.")
        if path.stat().st_size != size:
            raise ModelUnavailable(
                f"{path} has {path.stat().st_size} bytes, not {size}: fetch the model again."
            )
        if (content or size < _SMALL) and sha256_of(path) != sha256:
            raise ModelUnavailable(f"{path} was altered since it was fetched: fetch the model again.")
    return checkpoint


def sha256_of(path: Path) -> str:
    """A file's SHA-256 (hex)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_wanted(name: str, path: Path | None = None) -> bool:
    """Whether a file of a repository, or of a folder (`path`), is one that loading needs."""
    return (
        "/" not in name
        and not name.endswith(_UNWANTED)
        and name != MANIFEST
        and (path is None or path.is_file())
    )


def place_of(name: str, revision: str) -> str:
    """The name of a checkpoint's folder."""
    return f"{name.replace('/', '--')}@{revision[:_REVISION]}"


def bare(path: Path) -> Checkpoint:
    """A folder without manifest. Raises ModelUnavailable where a file that its index names is missing."""
    with suppress(FileNotFoundError):
        index = path / "model.safetensors.index.json"
        try:
            parts = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ModelUnavailable(f"{index} is damaged: take another copy.") from None
        for part in parts:
            if not (path / str(part)).is_file():
                raise ModelUnavailable(f"{path / str(part)} is missing: the copy is not whole.")
    return Checkpoint(path.name, "", path, {})


def read(path: Path) -> Checkpoint:
    """What a folder's manifest says of it. Raises ModelUnavailable for one that is damaged."""
    try:
        told = (path / MANIFEST).read_bytes()
        found = json.loads(told)
        files = {str(name): (int(size), str(sha256)) for name, (size, sha256) in found["files"].items()}
        name, revision = (
            str(found["name"]),
            Path(found["revision"]).name,
        )  # it becomes part of a folder's name
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelUnavailable(f"{path / MANIFEST} is missing or damaged: fetch the model again.") from None
    return Checkpoint(name, revision, path, files, hashlib.sha256(told).hexdigest())


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*@*") if path.is_dir() and not path.name.startswith(".")]
