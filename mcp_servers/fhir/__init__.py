"""The chart tools: a patient-locked MCP server over FHIR search and read."""
