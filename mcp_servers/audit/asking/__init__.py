"""Asking the journal what was done."""
