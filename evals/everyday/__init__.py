"""Everyday questions over charts: scenes of a chart, what is right in each, and sentences that ask for it."""
