"""The one time that a model's weights are fetched: from the Hugging Face hub, or from a folder or disk.

All or nothing: files gather in a hidden folder beside, which takes its name once it is whole.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.errors import ModelUnavailable, UsageError
from agent.models.local.checkpoints import (
    MANIFEST,
    Checkpoint,
    bare,
    checked,
    is_wanted,
    place_of,
    read,
    sha256_of,
)

Progress = Callable[[str, int, int], object]
"""Told of a file, the bytes that are there of all files, and the bytes of all."""


def copy(source: Path, name: str, folder: Path, on_progress: Progress) -> Checkpoint:
    """Take weights from another folder or disk, all or nothing.

    Raises UsageError for a folder without weights or with another model's, ModelUnavailable for too little
    disk, a damaged source, or one that fails while it is read.
    """
    if not (source / "config.json").is_file() or not list(source.glob("*.safetensors")):
        raise UsageError(f"{source} holds no model: config.json and *.safetensors should stand there.")
    known = read(source) if (source / MANIFEST).exists() else bare(source)
    if known.revision and known.name != name:
        raise UsageError(f"{source} holds {known.name}, not {name}: give the name of what is there.")
    found = [path for path in sorted(source.iterdir()) if is_wanted(path.name, path)]
    total = sum(path.stat().st_size for path in found)
    _room(folder, total)
    revision = known.revision or "local"
    staging = _staging(folder, name, revision)
    shutil.rmtree(staging, ignore_errors=True)  # what an earlier try left may be another disk's
    staging.mkdir()
    done, digests = 0, {}
    try:
        for path in found:
            on_progress(path.name, done, total)
            shutil.copyfile(path, staging / path.name)
            digests[path.name] = sha256_of(staging / path.name)
            done += path.stat().st_size
        made = _sealed(staging, name, revision, digests)
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise ModelUnavailable(
            f"{source} could not be copied ({error.strerror}), and nothing of it is kept. See the disks, and"
            " run the same command again."
        ) from None
    if known.revision and made.files != known.files:
        shutil.rmtree(staging)
        raise ModelUnavailable(
            f"{source} differs from its manifest {MANIFEST}: it is damaged, take another copy."
        )
    return _placed(staging, folder, made)


def pull(name: str, revision: str, folder: Path, token: str | None, on_progress: Progress) -> Checkpoint:
    """Fetch weights from the Hugging Face hub, but for files that are here whole: of an earlier try, or of
    the same revision. A file that broke off is fetched anew (the hub's client keeps no halves).

    `token` is the account's that accepted the licence. Raises ModelUnavailable, which says what to do.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    if constants.HF_HUB_OFFLINE:
        raise UsageError("HF_HUB_OFFLINE is set: unset it for the one download, or use --from DIR.")
    with _explained(name, revision):
        info = HfApi(token=token).model_info(name, revision=revision, files_metadata=True)
        commit = str(info.sha)
        files = {one.rfilename: one for one in info.siblings or () if is_wanted(one.rfilename)}
        total = sum(one.size or 0 for one in files.values())
        staging = _staging(folder, name, commit)
        place = folder / place_of(name, commit)
        if place.exists() and not staging.exists():
            with suppress(ModelUnavailable):
                return checked(read(place), content=True)
            place.rename(staging)  # what is whole of it needs no fetching
        staging.mkdir(parents=True, exist_ok=True)
        there = sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
        _room(folder, max(0, total - there))
        done, digests = 0, {}
        for file, one in files.items():
            on_progress(file, done, total)
            hf_hub_download(name, file, revision=commit, local_dir=staging, token=token)
            digests[file] = sha256_of(staging / file)
            done += one.size or 0
            if one.lfs and digests[file] != one.lfs.sha256:
                (staging / file).unlink()
                raise ModelUnavailable(f"{file} came damaged; run the same command again.")
        return _placed(staging, folder, _sealed(staging, name, commit, digests))


def token() -> str | None:
    """The hub's token: from HF_TOKEN, or the system's keyring (service ehr-navigator, name huggingface)."""
    if given := os.environ.get("HF_TOKEN", "").strip():
        return given
    import keyring
    from keyring.errors import KeyringError

    try:
        return (keyring.get_password("ehr-navigator", "huggingface") or "").strip() or None
    except KeyringError:
        return None


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
        answered = getattr(getattr(error, "response", None), "status_code", type(error).__name__)
        raise ModelUnavailable(f"The download broke off ({answered}); run the same command again.") from None
    except OSError as error:
        raise ModelUnavailable(
            f"What was fetched cannot be kept ({error.strerror or error}): see the disk, or set models_dir to"
            " another; then run the same command again."
        ) from None


def _room(folder: Path, wanted: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made ({error.strerror}): set models_dir to another.") from None
    free = shutil.disk_usage(folder).free
    if free < wanted * 1.02:
        raise ModelUnavailable(
            f"{wanted / 2**30:.1f} GiB are needed in {folder}, and {free / 2**30:.1f} are free: make room, or"
            " set models_dir to another disk."
        )


def _staging(folder: Path, name: str, revision: str) -> Path:
    return folder / f".{place_of(name, revision)}.part"


def _sealed(staging: Path, name: str, revision: str, digests: Mapping[str, str]) -> Checkpoint:
    """The staging folder with its manifest."""
    sized = {file: [(staging / file).stat().st_size, digests[file]] for file in sorted(digests)}
    written = {"name": name, "revision": revision, "files": sized}
    (staging / MANIFEST).write_text(json.dumps(written, indent=1), encoding="utf-8")
    return read(staging)


def _placed(staging: Path, folder: Path, made: Checkpoint) -> Checkpoint:
    """Move a whole checkpoint to where it is found; one of the same revision makes room for it."""
    shutil.rmtree(staging / ".cache", ignore_errors=True)
    place = folder / place_of(made.name, made.revision)
    if place.exists():
        shutil.rmtree(place)
    staging.rename(place)
    return read(place)
