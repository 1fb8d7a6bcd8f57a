"""Models' weights on this machine: which there are, whether whole, and the one time that they are fetched.

A folder a revision: `ORGANISATION--NAME@REVISION`, with a manifest of the size and SHA-256 of each file.
Nothing here loads a model, and nothing but `pull` reaches the internet.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
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
_CHUNK = 2**22
_REVISION = 12  # characters of a commit in a folder's name

Progress = Callable[[str, int, int], object]
"""Told of a file, the bytes that are there of all files, and the bytes of all."""


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
        return found

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(size for size, _ in self.files.values())


def listed(folder: Path) -> list[Checkpoint]:
    """The checkpoints in a folder, those fetched last first."""
    found = [path.parent for path in folder.glob(f"*@*/{MANIFEST}") if not path.parent.name.startswith(".")]
    return [_read(path) for path in sorted(found, key=lambda path: -path.stat().st_mtime)]


def unfinished(folder: Path) -> list[str]:
    """The names of what was begun to be fetched and is not whole."""
    return sorted(path.name.removeprefix(".").removesuffix(".part") for path in folder.glob(".*.part"))


def find(wanted: str, folder: Path) -> Checkpoint:
    """The checkpoint `NAME`, `NAME@REVISION` (the one fetched last of those that fit), or a folder's path.

    Raises ModelUnavailable where there is none, or a file of it is missing or has another size.
    """
    wanted = wanted or DEFAULT
    if (path := Path(wanted).expanduser()).is_dir():
        return checked(_read(path)) if (path / MANIFEST).exists() else Checkpoint(path.name, "", path, {})
    name, _, revision = wanted.partition("@")
    fits = [
        one
        for one in listed(folder)
        if one.name in (name, f"google/{name}") and one.revision.startswith(revision)
    ]
    if fits:
        return checked(fits[0])
    part = next((one for one in unfinished(folder) if one.startswith(name.replace("/", "--"))), "")
    if part:
        raise ModelUnavailable(
            f"The download of {name} is not whole; go on with `ehr-navigator models pull {name}`."
        )
    raise ModelUnavailable(
        f"There is no model {wanted} in {folder}; fetch it once with `ehr-navigator models pull {name}`, or"
        " take it from a disk with --from DIR."
    )


def checked(checkpoint: Checkpoint, *, content: bool = False) -> Checkpoint:
    """The checkpoint, once every file has its size and, if so wanted, its digest (a minute for 27B).

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
        if content and sha256_of(path) != sha256:
            raise ModelUnavailable(f"{path} was altered since it was fetched: fetch the model again.")
    return checkpoint


def copy(source: Path, name: str, folder: Path, on_progress: Progress) -> Checkpoint:
    """Take weights from another folder or disk, all or nothing.

    Raises UsageError for a folder without weights, ModelUnavailable for too little disk or a damaged source.
    """
    if not (source / "config.json").is_file() or not list(source.glob("*.safetensors")):
        raise UsageError(f"{source} holds no model: config.json and *.safetensors should stand there.")
    known = _read(source) if (source / MANIFEST).exists() else None
    files = {path.name: path.stat().st_size for path in sorted(source.iterdir()) if _wanted(path.name, path)}
    _room(folder, sum(files.values()))
    revision = known.revision if known else "local"
    staging = _staging(folder, name, revision)
    done = 0
    for file, size in files.items():
        on_progress(file, done, sum(files.values()))
        shutil.copyfile(source / file, staging / file)
        done += size
    made = _sealed(staging, name, revision, files)
    if known and made.files != known.files:
        shutil.rmtree(staging)
        raise ModelUnavailable(
            f"{source} differs from its manifest {MANIFEST}: it is damaged, take another copy."
        )
    return _placed(staging, folder, made)


def pull(name: str, revision: str, folder: Path, token: str | None, on_progress: Progress) -> Checkpoint:
    """Fetch weights from the Hugging Face hub; whole files of an earlier try are kept.

    `token` is the account's that accepted the licence. Raises ModelUnavailable, which says what to do.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    if constants.HF_HUB_OFFLINE:
        raise UsageError("HF_HUB_OFFLINE is set: unset it for the one download, or use --from DIR.")
    with _explained(name, revision):
        info = HfApi(token=token).model_info(name, revision=revision, files_metadata=True)
        files = {one.rfilename: one for one in info.siblings or () if _wanted(one.rfilename)}
        total = sum(one.size or 0 for one in files.values())
        staging = _staging(folder, name, str(info.sha))
        there = sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
        _room(folder, max(0, total - there))
        done = 0
        for file, one in files.items():
            on_progress(file, done, total)
            hf_hub_download(name, file, revision=info.sha, local_dir=staging, token=token)
            done += one.size or 0
            if one.lfs and sha256_of(staging / file) != one.lfs.sha256:
                (staging / file).unlink()
                raise ModelUnavailable(f"{file} came damaged; run the same command again.")
    made = _sealed(staging, name, str(info.sha), files)
    return _placed(staging, folder, made)


def token() -> str | None:
    """The hub's token: from HF_TOKEN, or the system's keyring (service ehr-navigator, name huggingface)."""
    if given := os.environ.get("HF_TOKEN"):
        return given
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password("ehr-navigator", "huggingface")
    except KeyringError:
        return None


def sha256_of(path: Path) -> str:
    """A file's SHA-256 (hex)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _explained(name: str, revision: str) -> Iterator[None]:
    """Turns the hub's errors into what a person can do."""
    import httpx2  # the hub's client speaks HTTP by it
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise ModelUnavailable(
            f"{name} is under a licence. Accept it at https://huggingface.co/{name}, make a token that may"
            " read it, and set HF_TOKEN or keep it in the keyring (service ehr-navigator, name huggingface)."
        ) from None
    except errors.RevisionNotFoundError:
        raise ModelUnavailable(
            f"{name} has no revision {revision}; leave --revision out for the latest."
        ) from None
    except errors.RepositoryNotFoundError:
        raise ModelUnavailable(
            f"There is no model {name}, or it is not shown to you: see its spelling, and HF_TOKEN."
        ) from None
    except (errors.HfHubHTTPError, httpx2.HTTPError, errors.LocalEntryNotFoundError) as error:
        raise ModelUnavailable(
            f"The download broke off ({type(error).__name__}); run the same command again."
        ) from None


def _wanted(name: str, path: Path | None = None) -> bool:
    return (
        "/" not in name
        and not name.endswith(_UNWANTED)
        and name != MANIFEST
        and (path is None or path.is_file())
    )


def _room(folder: Path, wanted: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < wanted * 1.02:
        raise ModelUnavailable(
            f"{wanted / 2**30:.1f} GiB are needed in {folder}, and {free / 2**30:.1f} are free: make room, or"
            " set models_dir to another disk."
        )


def _staging(folder: Path, name: str, revision: str) -> Path:
    staging = folder / f".{_folder(name, revision)}.part"
    staging.mkdir(parents=True, exist_ok=True)
    return staging


def _folder(name: str, revision: str) -> str:
    return f"{name.replace('/', '--')}@{revision[:_REVISION]}"


def _sealed(staging: Path, name: str, revision: str, files: Iterable[str]) -> Checkpoint:
    """The staging folder with its manifest."""
    sized = {file: [(staging / file).stat().st_size, sha256_of(staging / file)] for file in sorted(files)}
    written = {"name": name, "revision": revision, "files": sized}
    (staging / MANIFEST).write_text(json.dumps(written, indent=1), encoding="utf-8")
    return _read(staging)


def _placed(staging: Path, folder: Path, made: Checkpoint) -> Checkpoint:
    """Move a whole checkpoint to where it is found; one of the same revision makes room for it."""
    shutil.rmtree(staging / ".cache", ignore_errors=True)
    place = folder / _folder(made.name, made.revision)
    if place.exists():
        shutil.rmtree(place)
    staging.rename(place)
    return _read(place)


def _read(path: Path) -> Checkpoint:
    """What a folder's manifest says of it. Raises ModelUnavailable for one that is damaged."""
    try:
        told = (path / MANIFEST).read_bytes()
        found = json.loads(told)
        files = {str(name): (int(size), str(sha256)) for name, (size, sha256) in found["files"].items()}
        name, revision = str(found["name"]), str(found["revision"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelUnavailable(f"{path / MANIFEST} is damaged: fetch the model again.") from None
    return Checkpoint(name, revision, path, files, hashlib.sha256(told).hexdigest())
