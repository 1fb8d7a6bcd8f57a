"""The command line of models: `models list | pull | check`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent import rendering
from agent.config import Settings
from agent.errors import ModelUnavailable, UsageError
from agent.model_access import models_dir

if TYPE_CHECKING:
    from agent.models.local.checkpoints import Checkpoint

OK, FAILED = 0, 1


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    parents: Sequence[argparse.ArgumentParser],
) -> None:
    """The parsers of `models`; `parents` bring the general flags."""
    models = commands.add_parser("models", help="local models: which are here, fetch one, check one")
    chores = models.add_subparsers(title="commands", required=True, metavar="COMMAND")

    listed = chores.add_parser("list", parents=[*parents], help="what is on disk, and what fits this machine")
    listed.add_argument("--verify", action="store_true", help="hold every file against its digest (a minute)")
    listed.set_defaults(run=_list)

    pull = chores.add_parser("pull", parents=[*parents], help="fetch a model once, or take it from a disk")
    pull.add_argument("name", help="such as google/medgemma-27b-it")
    pull.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="copy it from here, without the internet"
    )
    pull.add_argument("--revision", default="main", help="a commit or tag (default: the latest)")
    pull.set_defaults(run=_pull)

    check = chores.add_parser(
        "check", parents=[*parents], help="ask it 20 questions about sample charts and 5 about pictures"
    )
    check.add_argument("name", help="a local model, or openai:NAME for one behind the clinic's server")
    check.set_defaults(run=_check)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.models.local import checkpoints
    from agent.models.local.fit import GIB, need

    folder = models_dir(settings)
    free, where = _free()
    print(f"{free / GIB:.1f} GiB are free ({where}); models lie in {folder}.")
    rows, worst = [], OK
    for one in checkpoints.listed(folder):
        needed = need(one.config, settings.local_bits, settings.local_context)
        fits = "fits" if needed.total <= free else f"needs {needed.total / GIB:.1f} GiB"
        try:
            checkpoints.checked(one, content=arguments.verify)
        except ModelUnavailable as error:
            fits, worst = str(error), FAILED
        rows.append(
            {
                "model": one.name,
                "revision": one.revision[:12],
                "on disk": f"{one.bytes / GIB:.1f} GiB",
                f"with {settings.local_bits} bits, {settings.local_context} tokens": fits,
            }
        )
    if rows:
        print(rendering.table(rows, tuple(rows[0])))
    else:
        print("None yet. Fetch one with `ehr-navigator models pull NAME`:")
        print(
            rendering.table(
                [{"model": n, "what it is": w} for n, w in checkpoints.KNOWN.items()], ("model", "what it is")
            )
        )
    for part in checkpoints.unfinished(folder):
        print(f"Not whole: {part}. Run its `models pull` again, and it goes on.")
    return worst


def _pull(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.models.local import checkpoints

    folder = models_dir(settings)

    def said(file: str, done: int, total: int) -> None:
        print(f"  {done / 2**30:6.1f} of {total / 2**30:.1f} GiB  {file}", file=sys.stderr, flush=True)

    if arguments.source:
        made = checkpoints.copy(arguments.source, arguments.name, folder, said)
    else:
        _need_extra("huggingface_hub")
        made = checkpoints.pull(arguments.name, arguments.revision, folder, checkpoints.token(), said)
    print(
        f"{made.name} at revision {made.revision}, {made.bytes / 2**30:.1f} GiB, digest {made.digest[:16]}."
    )
    print(
        f"Use it with --model local:{_short(made)}; check it with `ehr-navigator models check {made.name}`."
    )
    return OK


def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import model_check

    name: str = arguments.name
    served = name.partition(":")[0] in ("local", "openai", "scripted", "offline")
    spec = name if served else f"local:{name}"
    asked = model_check.questions()
    if spec.startswith("local"):
        _need_extra("torch")
    if spec != "offline":
        from agent.models.local.images import discs

        asked += model_check.about_pictures(discs)

    def said(one: model_check.Asked, why: str) -> None:
        print(f"  {'✗' if why else '✓'} {one.text}", file=sys.stderr, flush=True)

    found = asyncio.run(model_check.check(settings.model_copy(update={"model": spec}), asked, said))
    if spec.startswith("local"):
        from agent.models.local.loading import peak_bytes

        found.peak_bytes = peak_bytes()
    for line in model_check.wrong(found):
        print(rendering.plain(line))
    print(
        rendering.table(
            [{"measured": what, "figure": f} for what, f in model_check.lines(found)], ("measured", "figure")
        )
    )
    told = list(model_check.advice(found))
    for line in told:
        print(f"- {line}")
    return FAILED if told else OK


def _short(made: "Checkpoint") -> str:
    return made.name.removeprefix("google/")


def _free() -> tuple[int, str]:
    try:
        from agent.models.local.loading import free_bytes
    except ModuleNotFoundError:
        return 0, "not known: the extra `local` is not installed"
    return free_bytes()


def _need_extra(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UsageError("Local models need the extra `local`: pip install 'ehr-navigator[local]'.")
