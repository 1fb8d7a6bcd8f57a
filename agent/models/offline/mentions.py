"""What a question names: a drug with its form and strength, and beside its class as one."""

from dataclasses import replace

from agent.models.offline.concepts import Concept, Kind
from agent.models.offline.forms import form_after, form_before, strength_after
from agent.models.offline.slots import Mention


def add_mention(
    mentions: list[Mention],
    tokens: list[str],
    place: tuple[int, int],
    concepts: dict[Kind, Concept],
    unread: list[str],
    *,
    beside: bool,
) -> int:
    """Add the name that stands in the tokens at that place (start and end), and tell where its words end.

    A form said before it ("topical") was unread and is so no more; `beside`: the mention before ended there.
    """
    mention, end = _mention(tokens, place, concepts, unread)
    if beside and mentions and _is_of(mention, mentions[-1]):
        mentions[-1] = mention  # "the antibiotic amoxicillin"
    elif not (beside and mentions and _is_of(mentions[-1], mention)):  # "an SSRI antidepressant"
        mentions.append(mention)
    return end


def _mention(
    tokens: list[str], place: tuple[int, int], concepts: dict[Kind, Concept], unread: list[str]
) -> tuple[Mention, int]:
    start, end = place
    if "drug" not in concepts:
        return Mention(" ".join(tokens[start:end]), concepts), end
    form = form_before(tokens[start - 1]) if start and unread[-1:] == tokens[start - 1 : start] else ""
    strength, end = strength_after(tokens, end)
    if form:
        start -= 1
        unread.pop()
    else:
        form, end = form_after(tokens, end)
    if form or strength:
        concepts = {"drug": replace(concepts["drug"], form=form, strength=strength)}
    return Mention(" ".join(tokens[start:end]), concepts), end


def _is_of(one: Mention, other: Mention) -> bool:
    """Whether a drug, or every drug of a class, is of that class."""
    drug, kind = one.concepts.get("drug"), other.concepts.get("drug")
    return drug is not None and kind is not None and set(drug.members or (drug,)) < set(kind.members)
