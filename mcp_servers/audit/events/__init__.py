"""AuditEvents in the shapes of IHE BALP, made from what the journal holds."""
