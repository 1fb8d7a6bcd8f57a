"""Does the evidence support the answer?

`written`, `units` and `schedules` read numbers, dates, references and frequencies as people write them;
`evidence` and `rows` read tool results; `clauses` cuts the answer. Of each clause, `figures` (with `dates`,
`counts` and `derived`), `naming`, `denials`, `polarity`, `standing`, `alternatives`, `belonging`, `courses`,
`sequences`, `relations`, `superlatives`, `places`, `shares`, `yearly`, `valued` and `comparisons` find the
claims and hold them against the rows that it cites; `check` puts them together, `verdict` says which status
the answer may keep, and what to tell its model. Nothing here calls a model.
"""

from agent.grounding.check import GroundingReport, check
from agent.grounding.evidence import Readings
from agent.grounding.verdict import faults, verdict

__all__ = ["GroundingReport", "Readings", "check", "faults", "verdict"]
