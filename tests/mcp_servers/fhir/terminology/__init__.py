"""Tests of the dictionary of clinical words and codes."""
