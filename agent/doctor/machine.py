"""This machine: versions, GPU, memory, models, disk; what may leave it, and what it needs from outside."""

import importlib.util
import os
import shutil
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from agent.audit_access import EVENTS
from agent.config import Settings
from agent.doctor.findings import GIB, Found, State, local_models
from agent.egress.policy import EgressPolicy
from agent.errors import NavigatorError
from agent.fhir_access import charts_missing
from agent.model_access import models_dir

TIGHT, LITTLE = 1 * GIB, 5 * GIB  # bytes free on a disk
EXTRA = ("torch", "transformers", "accelerate", "bitsandbytes", "llguidance", "pydicom", "PIL")
_ASKED = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.free", "--format=csv,noheader")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def program(settings: Settings) -> list[Found]:
    """Versions, and whether the extra for local models is there."""
    said = f"ehr-navigator {version('ehr-navigator')}, Python {sys.version.partition(' ')[0]}"
    lacking = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if not lacking:
        extra = Found(
            "local models", "ok", f"torch {version('torch')}, transformers {version('transformers')}"
        )
    elif local_models(settings):
        fix = "pip install 'ehr-navigator[local]'"
        extra = Found("local models", "bad", f"of the extra `local`, {', '.join(lacking)} missing", fix)
    else:
        said_of_extra = "the extra `local` is not installed; the offline planner and model servers work"
        extra = Found("local models", "none", said_of_extra)
    return [Found("program", "ok", said), extra]


def gpu(settings: Settings) -> list[Found]:
    """The GPUs, by the driver's own tool. One that is broken is bad only where a local model needs it."""
    wanted: State = "bad" if local_models(settings) else "warn"
    if shutil.which(_ASKED[0]) is None:
        if local_models(settings):
            fix = "install the GPU's driver (nvidia-smi comes with it), or set model to offline or a server"
            return [Found("GPU", "warn", "no NVIDIA driver: the local model runs on the processor", fix)]
        said = "no NVIDIA driver; the offline planner works without, and so do model servers"
        return [Found("GPU", "none", said)]
    try:
        done = subprocess.run(_ASKED, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return [Found("GPU", wanted, "the driver does not answer within 10 s", "restart the machine")]
    lines = [line.split(", ") for line in done.stdout.splitlines() if line.count(", ") == 3]
    if done.returncode or not lines:
        said = (done.stdout or done.stderr).strip().partition("\n")[0][:120] or "it names no GPU"
        fix = "after an update of the driver restart the machine; else install the driver anew"
        return [Found("GPU", wanted, f"nvidia-smi: {said}", fix)]
    return [Found("GPU", "ok", "{}, driver {}, {}, {} free".format(*line)) for line in lines]


def models(settings: Settings) -> list[Found]:
    """Memory for models, which of them are here and whole, and which fit."""
    if importlib.util.find_spec("torch") is None:
        return []
    from agent.models.local import checkpoints, fit
    from agent.models.local.loading import free_bytes

    folder, (free, where) = models_dir(settings), free_bytes()
    found = [Found("memory", "ok", f"{free / GIB:.1f} GiB free for a model: {where}")]
    if where.startswith("main memory") and "too old" in where:
        fix = "update the driver, or install a torch for its CUDA; see also CUDA_VISIBLE_DEVICES"
        found = [Found("memory", "bad" if local_models(settings) else "warn", found[0].said, fix)]
    here = set()
    for one in checkpoints.listed(folder):
        here.add(one.name)
        try:
            config = checkpoints.checked(one).config
            bits = fit.bits_of(config, settings.local_bits)
            context = min(settings.local_context, fit.longest(config))
            needed = fit.need(config, bits, context)
        except (NavigatorError, ValueError) as error:
            fix = f"`ehr-navigator models pull {one.name}` fetches it again"
            found.append(Found("model", "bad", f"{one.name}: {error}", fix))
            continue
        fix = "; or ".join(fit.advice(config, bits, context, free))
        said = f"{one.name} at {one.revision[:12]}: needs {needed.total / GIB:.1f} GiB"
        found.append(Found("model", "warn" if fix else "ok", said, fix))
    for path in checkpoints.unlisted(folder):
        found.append(Found("model", "bad", f"{path} has no manifest", "remove it, and fetch the model again"))
    for part in checkpoints.unfinished(folder):
        found.append(Found("model", "warn", f"{part} is not whole", "run its `models pull` again"))
    if away := sorted(set(checkpoints.KNOWN) - here):
        needs = {
            name: fit.need(fit.PUBLISHED[name], settings.local_bits, settings.local_context).total
            for name in away
        }
        said = "; ".join(
            f"{what}: {', '.join(named)}"
            for what, named in (
                (
                    "would fit",
                    [f"{name} ({needs[name] / GIB:.0f} GiB)" for name in away if needs[name] <= free],
                ),
                ("would not", [f"{name} ({needs[name] / GIB:.0f})" for name in away if needs[name] > free]),
            )
            if named
        )
        found.append(Found("not fetched", "none", f"{said}; see `ehr-navigator models pull --help`"))
    return found


def policy(settings: Settings) -> list[Found]:
    """What may leave the building. The hosted model is not asked: that would leave too."""
    rules = EgressPolicy(settings.escalation, settings.escalation_workflows, settings.escalation_classes)
    forms = {name: rules.of(name) for name in ("ask", "chat", "batch", "evaluation")}
    if set(forms.values()) == {"never"}:
        return [Found("policy", "ok", "nothing leaves this building")]
    from agent.egress.prices import price_table
    from agent.hosting import vendor_of

    vendor = vendor_of(settings)
    told = ", ".join(f"{name} {form}" for name, form in forms.items())
    classes = {"images": "never", **settings.escalation_classes}
    stricter = ", ".join(f"{name} {form}" for name, form in classes.items())
    consent = "a person is asked first" if settings.escalation_consent else "nobody is asked first"
    said = f"{told} (at most: {stricter}); to {vendor.model} at {urlsplit(vendor.url).hostname}; {consent}"
    found = [Found("policy", "ok", said)]
    if vendor.agreement:
        terms = [vendor.agreement, vendor.retention and f"kept {vendor.retention}", vendor.region]
        found.append(Found("agreement", "ok", ", ".join(filter(None, terms))))
    else:
        fix = "ask whoever answers for privacy which agreement covers it, and set hosted_agreement"
        found.append(Found("agreement", "warn", "what leaves is covered by none that is named", fix))
    if not settings.hosted_key.get_secret_value():
        fix = "set EHR_NAVIGATOR_HOSTED_KEY"
        found.append(Found("hosted model", "warn", "it has no key", fix))
    if price_table(settings.prices_file).of(vendor.model, date.today()) is None:
        fix = "name a table with it in prices_file"
        found.append(Found("cost", "warn", f"the price of {vendor.model} is not known", fix))
    return found


def disk(settings: Settings) -> list[Found]:
    """Room where the journal grows, and where models lie if that is another disk."""
    folders = {"the audit journal": settings.data_dir, "models": models_dir(settings)}
    if settings.audit_events == "files":
        folders["AuditEvents"] = settings.audit_events_dir or settings.data_dir / EVENTS
    disks: dict[int, tuple[str, Path]] = {}
    for use, wanted in folders.items():
        folder = wanted
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK) and use != "models":
            fix = "give it to this account, or set data_dir (AuditEvents: audit_events_dir) to another"
            return [Found("disk", "bad", f"{folder}, for {use}, cannot be written", fix)]
        disks.setdefault(folder.stat().st_dev, (use, folder))
    return [_room(use, folder) for use, folder in disks.values()]


def _room(use: str, folder: Path) -> Found:
    free = shutil.disk_usage(folder).free
    said = f"{free / GIB:.1f} GiB free at {folder}, for {use}"
    if free > LITTLE:
        return Found("disk", "ok", said)
    if use == "models":
        return Found("disk", "warn", said, "make room before a model is fetched, or set models_dir")
    fix = "make room: without it no question can be recorded, and none is answered"
    return Found("disk", "bad" if free < TIGHT else "warn", said, fix)


def offline(settings: Settings) -> list[Found]:
    """Whether anything here would turn to the internet, or be missed without it."""
    found = []
    if os.environ.get("HF_HUB_OFFLINE", "1").upper() in ("0", "FALSE", "NO", "OFF", ""):
        said = "HF_HUB_OFFLINE is set to no: libraries may look at the internet as weights are loaded"
        found.append(Found("offline", "warn", said, "unset it: then it is on whenever a model is loaded"))
    proxies = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    if proxies:
        said = f"{', '.join(proxies)} set: `models pull` alone goes that way; charts and prompts do not"
        found.append(Found("proxy", "ok", said))
    if charts_missing(settings):
        said = "no server is needed; the sample charts are indexed at the first question (120 MB, seconds)"
        return [*found, Found("offline", "ok", said)]
    charts = "" if settings.fhir else "; the sample charts are indexed"
    return [*found, Found("offline", "ok", f"nothing is fetched unless `models pull` is asked for{charts}")]
