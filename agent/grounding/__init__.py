"""Does the evidence support the answer?

`claims` reads numbers, dates, references and words out of text; `evidence` reads the same things out of
tool results; `check` compares them. Nothing here calls a model: a claim stands in a row, or it is marked.
`verdict` says which status the answer may keep.
"""

from agent.grounding.check import GroundingReport, check
from agent.grounding.verdict import verdict

__all__ = ["GroundingReport", "check", "verdict"]
