"""The audit trail: an append-only journal, its AuditEvents, their delivery."""
