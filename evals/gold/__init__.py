"""Right answers, worked out from raw FHIR resources by plain Python apart from the product."""
