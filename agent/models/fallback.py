"""Several models for the same work: the first that can be had takes it."""

from collections.abc import Sequence
from typing import Any

from agent.errors import ModelUnavailable
from agent.messages import Image, Message, Model, ModelIdentity, OnText, Turn, silent


class FirstAvailable:
    """The first of `models` that can be reached; each step says on the route which could not.

    One that cannot be reached is asked again at the next step: it may be back.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models
        self._last = models[0]

    @property
    def identity(self) -> ModelIdentity:
        """The model that took the last step."""
        return self._last.identity

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The step of the first that can be reached. Raises ModelUnavailable, with the reasons of all."""
        failed = []
        for model in self._models:
            self._last = model
            try:
                turn = await model.next_step(messages, schema, images, on_text)
            except ModelUnavailable as error:
                failed.append(str(error))
                continue
            why = "; ".join(failed)
            return turn.model_copy(update={"note": f"taken by {model.identity.name}: {why}"}) if why else turn
        raise ModelUnavailable(" ".join(failed))


class Absent:
    """In place of a model that cannot be had: it says why at each step."""

    def __init__(self, name: str, why: str) -> None:
        self.identity = ModelIdentity(name=name)
        self._why = why

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """Raises ModelUnavailable."""
        raise ModelUnavailable(self._why)
