"""The SELECTs of `data/queries.toml`, as calls of query_chart."""

from functools import cache
from typing import Any

from agent.messages import Action
from agent.models.offline.concepts import read_table
from agent.models.offline.intents.intent import Asked


@cache
def _queries() -> dict[str, str]:
    return {name: " ".join(sql.split()) for name, sql in read_table("queries").items()}


def query(name: str, limit: int = 50, **parts: str) -> Action:
    """The call of one SELECT with its parts filled in, none of which may be a word of the question."""
    arguments: dict[str, Any] = {"sql": _queries()[name].format(**parts), "limit": limit}
    return Action(tool="query_chart", arguments=arguments)


def within(asked: Asked) -> str:
    """The window up to now as a condition on a record's date, as written: a partial date counts as it is."""
    window = asked.window_to_now
    bounds = (("since", ">="), ("until", "<="))
    return "".join(
        f" AND left(date_text, {len(window[key])}) {sign} left('{window[key]}', length(date_text))"
        for key, sign in bounds
        if key in window
    )
