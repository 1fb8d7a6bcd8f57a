"""Ways to the models that plan: the rules, local weights, the clinic's servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from agent.config import Settings
from agent.errors import UsageError
from agent.messages import Model, Target

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
async def open_models(settings: Settings) -> AsyncIterator[dict[Target, Model]]:
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
                opened[spec] = await _open(spec, settings, stack)
            return opened[spec]

        models: dict[Target, Model] = {}
        for target, specs in named.items():
            if several := [await of(spec.strip()) for spec in specs.split(",") if spec.strip()]:
                models[target] = _first_of(several)
        yield models


def _first_of(models: list[Model]) -> Model:
    from agent.models.fallback import FirstAvailable

    return models[0] if len(models) == 1 else FirstAvailable(models)


async def _open(spec: str, settings: Settings, stack: AsyncExitStack) -> Model:
    kind, _, named = spec.partition(":")
    if spec == OFFLINE:
        return open_rules()
    if kind == "scripted" and named:
        from agent.models.scripted import load_script

        return load_script(Path(named))
    if kind == "local":
        return _local(named, settings)
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


def _local(name: str, settings: Settings) -> Model:
    raise UsageError("Local weights are not to be had yet.")
