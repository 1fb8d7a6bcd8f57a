"""The status that an answer may keep, once it was held against the evidence."""

from collections.abc import Sequence

from agent.grounding.check import GroundingReport
from agent.grounding.clauses import DENIAL
from agent.messages import Grounding, Status, ToolResult


def verdict(said: Status, report: GroundingReport, results: Sequence[ToolResult]) -> Status:
    """`said`, or `needs_review` where the conversation's `results` do not carry it.

    Nothing is known without a call that succeeded; an answer must rest on something that was checked; and
    what is cited without any denial is in the chart.
    """
    looked = any(result.error is None for result in results)
    if report.grounding.unsupported or (not looked and said in ("answered", "not_in_chart")):
        return "needs_review"
    if said == "answered" and not report.grounding.checked:
        return "needs_review"
    if said == "not_in_chart" and report.citations and not DENIAL.search(report.text):
        return "needs_review"
    return said


def faults(grounding: Grounding) -> str:
    """What to tell a model whose answer does not stand: each claim that failed, and why; or nothing.

    It holds the model's own words, numbers, states and references, and no other text of the chart.
    """
    failed = [claim for claim in grounding.claims if claim.verdict in ("contradicted", "unsupported")]
    if not failed:
        return ""
    each = (f'{claim.kind} "{claim.text}": {claim.verdict}, {claim.why}' for claim in failed[:12])
    told = "; ".join(dict.fromkeys(each))
    return (
        f"These claims of your answer do not stand in the records that it cites: {told}. "
        "Look up what is missing, or answer again with what the records say, and nothing else."
    )
