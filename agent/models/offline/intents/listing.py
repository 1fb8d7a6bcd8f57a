"""Lists of records as answers: everything of a kind, or why there is none."""

from collections.abc import Callable

from agent.models.offline.chart import Found, Row
from agent.models.offline.intents.intent import Asked
from agent.models.offline.wording import (
    CITED,
    REFERENCE,
    SHOWN,
    Draft,
    cite,
    many,
    name,
    noted,
    plural,
    refs_of,
)


def told_time(asked: Asked) -> tuple[str, str]:
    """The time asked for as the end of a sentence; or, where it cites an event, as a sentence of its own.

    What stands before a citation is held to its record: a count would be held to the event's.
    """
    said = asked.said_window
    return ("", f" Time:{said}.") if REFERENCE.search(said) else (said, "")


def listed(
    asked: Asked, found: Found, noun: str, item: Callable[[Row], str], *, each: bool = False, tail: str = ""
) -> Draft:
    """All rows found, counted; or that none is recorded, or that it is recorded that there are none.

    `noun` (singular) and `tail` say what they are; with `each`, the newest row of every name is shown for the
    others, and the names are counted where all of them are shown.
    """
    said, time = told_time(asked)
    window = tail + said
    if not found.rows:
        text = asked.wording.say("list", "none", what=plural(noun), window=window)
        return Draft(text + time + noted(found.notes), (), "not_in_chart")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found)
    items = asked.wording.listed(found.rows, item, each=each)
    text = asked.wording.say("list", "items", n=many(found.total, noun), window=window, items=items)
    if each and _repeated(found.rows):
        text = _by_name(asked, found, noun, window, items)
    return Draft(text + time + noted(found.notes), refs_of(found.rows))


def _by_name(asked: Asked, found: Found, noun: str, window: str, items: str) -> str:
    names = len({name(row).casefold() for row in found.rows})
    if found.complete and len(REFERENCE.findall(items)) == names:
        n = many(names, noun.removesuffix(" record"))
        return asked.wording.say("list", "distinct", n=n, window=window, total=found.total, items=items)
    return asked.wording.say("list", "each", n=many(found.total, noun), window=window, items=items)


def recorded_as_none(asked: Asked, found: Found, group: str = "list") -> Draft:
    """The records that say there are none ("no known allergies")."""
    items = "; ".join(f"{name(row)} {cite(refs_of([row]))}" for row in found.rows)
    text = asked.wording.say(group, "recorded_as_none", items=items)
    return Draft(text + noted(found.notes), refs_of(found.rows))


def no_record(asked: Asked, found: Found, group: str, told: str, none: str = "none") -> Draft:
    """That none of the records found is of what was asked about; needs review where not all could be read.

    `none` is the sentence for that.
    """
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found)
    sentence = none if found.rows else "nothing"
    return Draft(asked.wording.say(group, sentence, asked=told, n=found.total), (), "not_in_chart")


def _repeated(rows: list[Row]) -> bool:
    return len({name(row).casefold() for row in rows}) < len(rows)


def counted(
    asked: Asked,
    found: Found,
    rows: list[Row],
    noun: str,
    item: Callable[[Row], str],
    *,
    each: bool = False,
) -> Draft:
    """Those rows of what was found that were asked for, counted.

    The number is shown by citing every row, where the chart's own total does not show it.
    """
    said, time = told_time(asked)
    parts = {"n": many(len(rows), noun), "window": said}
    each = each and len(rows) > SHOWN and _repeated(rows)
    items = asked.wording.listed(rows, item, each=each)
    if found.complete and (len(rows) == found.total or len(rows) <= SHOWN):
        text = asked.wording.say("list", "each" if each else "items", items=items, **parts)
    elif found.complete and len(rows) <= CITED:
        text = asked.wording.say("visit", "cited", cite=cite(refs_of(rows)), items=items, **parts)
    else:
        what = plural(noun)
        text = asked.wording.say("visit", "many", what=what, item=item(rows[0]), window=said)
        return Draft(text + time + noted(found.notes), refs_of(rows[:1]), "needs_review")
    return Draft(text + time + noted(found.notes), refs_of(rows))


def chosen(
    asked: Asked, found: Found, rows: list[Row], item: Callable[[Row], str], *, noun: str, which: str
) -> Draft:
    """Those rows of what was found that are as `which` says ("no longer active"), counted where all can be
    cited; or that there is none of them."""
    if rows and len(rows) <= CITED:
        draft = counted(asked, found, rows, noun, item)
        return Draft(f"{which[:1].upper()}{which[1:]}: {draft.text}", draft.citations, draft.status)
    if rows:
        items = asked.wording.listed(rows, item, each=True)
        text = f"{which[:1].upper()}{which[1:]}, one of each name: {items}.{noted(found.notes)}"
        return Draft(text, refs_of(rows), "answered" if found.complete else "needs_review")
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=f"a {noun} {which}", n=len(found.rows))
        return Draft(text, (), "needs_review")
    if not found.rows or found.finding == "recorded_as_none":
        return listed(asked, found, noun, item)
    text = f"{plural(noun)} {which}: none; {many(found.total, 'record')} checked."
    return Draft(f"{text[:1].upper()}{text[1:]}", (), "not_in_chart")


def joined(drafts: list[Draft]) -> Draft:
    """Several answers as one: to be reviewed where one is, not in the chart where none is."""
    statuses = {draft.status for draft in drafts}
    status = next(one for one in ("needs_review", "answered", "not_in_chart") if one in statuses)
    text = " ".join(draft.text for draft in drafts)
    return Draft(text, tuple(ref for draft in drafts for ref in draft.citations), status)


def newest_of_each(rows: list[Row]) -> list[Row]:
    """Of rows, newest first, the first of every name."""
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(name(row).casefold(), row)
    return list(newest.values())
