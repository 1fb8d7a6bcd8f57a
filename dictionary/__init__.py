"""The dictionary: everything that a question about a chart can name, one line of data each.

The chart tools read records and codes by it, the offline planner reads questions by it.
"""

from dictionary.entries import KINDS, Entry, Kind, entries, other_names

__all__ = ["KINDS", "Entry", "Kind", "entries", "other_names"]
