"""The offline planner: everyday chart questions, read by rules and answered without a language model."""

from agent.models.offline.planner import OfflinePlanner

__all__ = ["OfflinePlanner"]
