"""Getting AuditEvents to the FHIR store or to files, and seeing that they are there."""
