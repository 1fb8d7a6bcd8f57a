"""Synthetic charts, an embedded FHIR store, and a real HAPI to hold it against."""
