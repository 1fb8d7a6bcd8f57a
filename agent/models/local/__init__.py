"""Gemma 3 weights on this machine: fetched, fitted, loaded, and planning within a grammar."""
