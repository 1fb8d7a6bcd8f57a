"""Who acts: one dataclass, made where a person comes in (terminal, web, MCP), and passed down."""

from dataclasses import dataclass
from typing import Literal

PROGRAM = "ehr-navigator"
"""The program that acts for a person, as the trail and FHIR servers know it."""

How = Literal["system_account", "setting", "token", "sign_in"]


@dataclass(frozen=True)
class Identity:
    """A person as the trail names them, and what for they act.

    `how` they are known: as the account of the operating system, by a setting (a flag, a variable, the
    configuration), by a bearer token, or because they signed in. `purpose_of_use` is a code of HL7's
    v3-PurposeOfUse.
    """

    user: str
    purpose_of_use: str = "TREAT"
    how: How = "system_account"
