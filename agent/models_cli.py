"""The command line of models: `models list | pull | check`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    pull.add_argument("--revision", help="a commit or tag (default: the latest)")
    pull.set_defaults(run=_pull)

    check = chores.add_parser(
        "check", parents=[*parents], help="ask it 20 questions about sample charts and 5 about pictures"
    )
    check.add_argument("name", help="a local model, or openai:NAME for one behind the clinic's server")
    check.set_defaults(run=_check)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.models.local import checkpoints, fit

    folder = models_dir(settings)
    free = _free()
    told = (
        f"{free[0] / fit.GIB:.1f} GiB are free ({free[1]})"
        if free
        else "Memory is not known: no extra `local`"
    )
    print(f"{told}; models lie in {folder}.")
    rows, more, worst = [], [], OK
    for one in checkpoints.listed(folder):
        try:
            bits, needs, advice = _fit(one.config, settings, free)
        except (ModelUnavailable, ValueError) as error:
            bits, needs, advice = "-", "cannot be used", [str(error)]
        try:
            checkpoints.checked(one, content=arguments.verify)
        except ModelUnavailable as error:
            needs, advice, worst = "damaged", [str(error)], FAILED
        more += [f"{one.name}: {'; or '.join(advice)}"] if advice else []
        rows.append(
            {
                "model": one.name,
                "revision": one.revision[:12],
                "on disk": f"{one.bytes / fit.GIB:.1f} GiB",
                "loaded as": bits,
                f"with {settings.local_context} tokens": needs,
            }
        )
    for path in checkpoints.unlisted(folder):
        more.append(f"{path} has no manifest that can be read: remove it, and fetch the model again.")
        worst = FAILED
    if rows:
        print(rendering.table(rows, tuple(rows[0])))
    here = {row["model"] for row in rows}
    away = [
        {"not here": name, "what it is": what, "needs": _fit(fit.PUBLISHED[name], settings, free)[1]}
        for name, what in checkpoints.KNOWN.items()
        if name not in here
    ]
    if away:
        print(f"\n{rendering.table(away, tuple(away[0]))}\nFetch one with `ehr-navigator models pull NAME`.")
    for part in checkpoints.unfinished(folder):
        more.append(f"Not whole: {part}. Run its `models pull` again, and it goes on.")
    for line in more:
        print(f"- {rendering.plain(line)}")
    return worst


def _fit(
    config: Mapping[str, Any], settings: Settings, free: tuple[int, str] | None
) -> tuple[str, str, list[str]]:
    """How the weights would be loaded, what they take, and what to do where that is too much."""
    from agent.models.local import fit

    bits = fit.bits_of(config, settings.local_bits)
    context = min(settings.local_context, fit.longest(config))
    needed = fit.need(config, bits, context)
    advice = fit.advice(config, bits, context, free[0]) if free else []
    fits = "" if not free else "does not fit: " if advice else "fits: "
    return fit.QUANTISATION[bits], f"{fits}{needed}", advice


def _pull(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.models.local import fetching
    from agent.models.local.checkpoints import full_name

    folder, name = models_dir(settings), full_name(arguments.name)

    def said(file: str, done: int, total: int) -> None:
        print(f"  {done / 2**30:6.1f} of {total / 2**30:.1f} GiB  {file}", file=sys.stderr, flush=True)

    if arguments.source:
        if arguments.revision:
            raise UsageError("A copy has the revision that its manifest names: leave --revision out.")
        made = fetching.copy(arguments.source, name, folder, said)
    else:
        _need_extra("huggingface_hub")
        made = fetching.pull(name, arguments.revision or "main", folder, fetching.token(), said)
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


def _free() -> tuple[int, str] | None:
    """Bytes of memory that are free, and where; None without the extra."""
    try:
        from agent.models.local.loading import free_bytes
    except ModuleNotFoundError:
        return None
    return free_bytes()


def _need_extra(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UsageError("Local models need the extra `local`: pip install 'ehr-navigator[local]'.")
