"""Does the navigator answer rightly? Questions, gold answers, graders, reports."""
