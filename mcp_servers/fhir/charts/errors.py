"""What the projections raise when an argument cannot be used; the text says what to send instead.

UnusableArgument
├── UnusableDate     `since`, `until`, `near` or `at` is no date that the question can be asked of
└── UnusableUnit     `unit` is no UCUM unit, or a number was given without the unit that it needs
"""


class UnusableArgument(ValueError):
    """An argument cannot be used; `str()` is safe to show."""


class UnusableDate(UnusableArgument):
    """A date that cannot be read, or is too coarse."""


class UnusableUnit(UnusableArgument):
    """A unit that cannot be read, or is missing."""
