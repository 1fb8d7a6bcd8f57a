"""The journal: append-only, chained, signed, sealed; how it is read and verified."""
