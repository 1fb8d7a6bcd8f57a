"""Does the evidence support the answer?

`claims` reads numbers, dates, references and words out of text; `evidence` reads the same things out of
tool results; `check` compares them. Nothing here calls a model: a claim stands in a row, or it is marked.
"""

from agent.grounding.check import GroundingReport, check

__all__ = ["GroundingReport", "check"]
