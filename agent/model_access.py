"""Ways to the models that plan: the rules, local weights, the clinic's servers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.errors import ModelUnavailable, UsageError
from agent.messages import Model, Target
from agent.models.fallback import Absent, FirstAvailable

OFFLINE = "offline"
MAX_COMPLETION = 2_048  # tokens of one step


def open_rules() -> Model:
    """The offline planner: rules, and no language model."""
    from agent.models.offline import OfflinePlanner

    return OfflinePlanner()


@asynccontextmanager
async def open_model(settings: Settings) -> AsyncIterator[Model]:
    """The model that plans, as the settings name it. Raises UsageError and NotPermitted as `open_models`."""
    async with open_models(settings) as models:
        yield models["local"]


@asynccontextmanager
async def open_models(
    settings: Settings, on_generated: Callable[[Any], object] = lambda _: None
) -> AsyncIterator[dict[Target, Model]]:
    """The models of this building by the work that they take; one that is named twice is opened once.

    Raises UsageError for an unknown one, NotPermitted for one at a far host.
    """
    named: dict[Target, str] = {
        "local": settings.model,
        "text": settings.text_model,
        "image": settings.image_model,
    }
    async with AsyncExitStack() as stack:
        opened: dict[str, Model] = {}

        async def of(spec: str) -> Model:
            if spec not in opened:
                opened[spec] = await _open(spec, settings, stack, on_generated)
            return opened[spec]

        models: dict[Target, Model] = {}
        for target, specs in named.items():
            named_here = [spec.strip() for spec in specs.split(",") if spec.strip()]
            if len(named_here) == 1:
                models[target] = await of(named_here[0])
            elif named_here:
                models[target] = FirstAvailable([await _or_absent(of, spec) for spec in named_here])
        yield models


async def _or_absent(of: Callable[[str], Awaitable[Model]], spec: str) -> Model:
    """The model, or in place of one that cannot be opened a model that says so at each step."""
    try:
        return await of(spec)
    except ModelUnavailable as error:
        return Absent(spec, str(error))


async def _open(
    spec: str, settings: Settings, stack: AsyncExitStack, on_generated: Callable[[Any], object]
) -> Model:
    kind, _, named = spec.partition(":")
    if spec == OFFLINE:
        return open_rules()
    if kind == "scripted" and named:
        from agent.models.scripted import load_script

        return load_script(Path(named))
    if kind == "local":
        return _local(named, settings, on_generated)
    if kind.partition("@")[0] == "openai":
        from agent.egress.endpoints import check_endpoint, local_client
        from agent.models.openai import OpenAICompatible

        name, _, url = spec.removeprefix("openai").removeprefix(":").partition("@http")
        url = f"http{url}" if url else settings.openai_url
        check_endpoint(url, settings.clinic_hosts)
        key = settings.openai_key.get_secret_value() or None
        http = await stack.enter_async_context(local_client(settings.max_seconds))
        return OpenAICompatible(
            http, url, name, api_key=key, max_tokens=MAX_COMPLETION, timeout=settings.max_seconds
        )
    raise UsageError(
        f"There is no model {spec!r}; choose offline, local[:NAME], openai[:NAME][@URL] or scripted:FILE."
    )


def models_dir(settings: Settings) -> Path:
    """Where local models' weights lie."""
    return settings.models_dir or settings.data_dir / "models"


def _local(name: str, settings: Settings, on_generated: Callable[[Any], object]) -> Model:
    """Weights of this machine, loaded. Raises ModelUnavailable, and UsageError without the extra."""
    try:
        from agent.models.local.checkpoints import find
        from agent.models.local.fit import need
        from agent.models.local.loading import free_bytes, load
        from agent.models.local.model import LocalModel
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Local models need the extra `local`, of which {error.name} is missing:"
            " pip install 'ehr-navigator[local]'."
        ) from None

    checkpoint = find(name, models_dir(settings))
    bits, context = settings.local_bits, settings.local_context
    loaded = load(checkpoint, bits, context, offload=settings.local_offload)
    needed = need(checkpoint.config, bits, context)
    return LocalModel(
        loaded,
        thinking_tokens=settings.thinking_tokens,
        max_tokens=MAX_COMPLETION,
        seconds=settings.max_seconds,
        # What is left beside one session that is as long as it may be, and what its step takes at work.
        kept=max(0, free_bytes()[0] - needed.cache - needed.activations),
        on_generated=on_generated,
    )
