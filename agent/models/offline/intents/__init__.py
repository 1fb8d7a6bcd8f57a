"""The intents, in the order in which they are tried; no two of them should take one reading."""

from agent.models.offline.intents import (
    allergies,
    events,
    measurements,
    medications,
    patient,
    problems,
    visits,
)
from agent.models.offline.intents.intent import Asked, Intent
from agent.models.offline.reading import Reading

INTENTS: tuple[Intent, ...] = (
    *patient.INTENTS,
    *measurements.INTENTS,
    *allergies.INTENTS,
    *medications.INTENTS,
    *problems.INTENTS,
    *visits.INTENTS,
    *events.INTENTS,
)

__all__ = ["INTENTS", "Asked", "Intent", "intent_of"]


def intent_of(reading: Reading) -> Intent | None:
    """The intent that takes a reading; None when none does, and then nobody may answer."""
    return next((intent for intent in INTENTS if intent.takes(reading)), None)
