"""What identifies, and how it stays here when a conversation goes to a hosted model."""

from agent.egress.deidentification.deidentifier import Deidentifier
from agent.egress.deidentification.identifiers import Identifiers

__all__ = ["Deidentifier", "Identifiers"]
