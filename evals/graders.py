"""Deterministic graders: is an Answer right, and if not, why?"""

import re

from agent.messages import Answer
from evals.gold.records import Gold

SHOWN = 10  # a list may show its first ten records and count the rest


def grade(answer: Answer, gold: Gold) -> str:
    """Empty when the answer is right, else what is wrong with it."""
    if answer.status not in gold.status.split("|"):
        return f"status is {answer.status}, not {gold.status}"
    if answer.grounding.unsupported:
        return f"unsupported: {', '.join(answer.grounding.unsupported)}"
    said = answer.answer.lower()
    for alternatives in gold.values:
        if not any(_says(said, value.lower()) for value in alternatives):
            return f"does not say {' or '.join(alternatives)}"
    for word in gold.absent:
        if _says(said, word):
            return f"says {word}"
    cited = {citation.ref for citation in answer.citations}
    if gold.refs and not cited & gold.refs:
        return "cites none of the gold records"
    if gold.any_ref or not gold.refs:
        return ""
    if cited - gold.refs:
        return f"cites {', '.join(sorted(cited - gold.refs))}, which do not belong"
    if len(cited) < min(len(gold.refs), SHOWN):
        return f"cites {len(cited)} of {len(gold.refs)} records"
    if len(gold.refs) > SHOWN and not _says(said, str(len(gold.refs))):
        return f"does not say that there are {len(gold.refs)}"
    return ""


def _says(text: str, value: str) -> bool:
    """Whether the value stands in the text as a word or number of its own, not as a part of another."""
    return re.search(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)", text) is not None
