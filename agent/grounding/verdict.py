"""The status that an answer may keep, once it was held against the evidence."""

from collections.abc import Sequence

from agent.grounding.check import GroundingReport
from agent.grounding.clauses import DENIAL
from agent.messages import Status, ToolResult


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
