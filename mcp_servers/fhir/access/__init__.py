"""The way to a FHIR server: requests within the patient lock, answers checked."""
