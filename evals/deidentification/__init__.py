"""Clinical notes with marked identifiers, to measure what de-identification hides and what it spares."""
