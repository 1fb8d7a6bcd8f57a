"""Does the evidence support the answer?

`written` and `units` read numbers, dates and references as people write them; `evidence` and `rows` read
tool results; `clauses` cuts the answer. Of each clause, `figures` (with `counts` and `derived`), `naming`,
`denials`, `standing` and `courses` find the claims and hold them against the rows that it cites; `check`
puts them together, `verdict` says which status the answer may keep, and what to tell its model. Nothing here
calls a model.
"""

from agent.grounding.check import GroundingReport, check
from agent.grounding.verdict import faults, verdict

__all__ = ["GroundingReport", "check", "faults", "verdict"]
