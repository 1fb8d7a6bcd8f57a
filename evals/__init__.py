"""Does the navigator answer rightly? Questions, an independent gold, graders, a report, and speed."""
