"""Our trail beside the EMR's own."""
