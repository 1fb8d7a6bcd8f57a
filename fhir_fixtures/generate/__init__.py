"""How the sample charts are made: `python -m fhir_fixtures.generate` (needs the `generate` extra)."""
