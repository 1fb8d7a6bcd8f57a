"""A real HAPI FHIR JPA R4 server, built from published Maven artifacts: `python -m fhir_fixtures.hapi`."""
