"""The intents: every module of this package that has INTENTS, and the phrases (CUES) that it adds.

They are tried in the order of their modules' names; no two of them should take one reading.
"""

from importlib import import_module
from pkgutil import iter_modules

from agent.models.offline.intents.intent import Asked, Intent
from agent.models.offline.reading import Reading

_MODULES = tuple(import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))

INTENTS: tuple[Intent, ...] = tuple(
    intent for module in _MODULES for intent in getattr(module, "INTENTS", ())
)
# The phrases for each cue that a module needs beside those of data/phrases.toml.
CUES: tuple[dict[str, tuple[str, ...]], ...] = tuple(
    module.CUES for module in _MODULES if hasattr(module, "CUES")
)

__all__ = ["CUES", "INTENTS", "Asked", "Intent", "intent_of"]


def intent_of(reading: Reading) -> Intent | None:
    """The intent that takes a reading; None when none does, and then nobody may answer."""
    return next((intent for intent in INTENTS if intent.takes(reading)), None)
