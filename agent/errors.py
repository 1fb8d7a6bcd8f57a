"""The errors that end a run, as a tree.

NavigatorError
├── UsageError              the person's input cannot be used; the message says what to do
├── Refused                 the run ends without an answer, on purpose (exit 3)
│   ├── CannotAnswer        the model says that the question is beyond it
│   ├── AmbiguousPatient    several patients fit; the message lists them, none is picked
│   └── NotPermitted        policy, permission or the patient lock forbids it
├── LimitReached            hops, tokens or time are used up
└── Failed                  something broke; the message says what to do (exit 1)
    ├── UnknownPatient      no such patient on this server
    ├── ModelFailed         prose instead of JSON, steps that do not fit the schema, a circle
    │   ├── ContextExceeded     the conversation is longer than the model reads
    │   └── ModelUnavailable    its endpoint is down or refuses, its weights are missing or do not fit
    ├── ChartUnavailable    the FHIR server cannot be reached or refuses
    └── AuditUnavailable    the journal cannot be written: no call happens (fail closed)
        └── AuditKeyUnusable    for want of its key
"""


class NavigatorError(Exception):
    """Base of all errors that this program raises on purpose; `str()` is fit to show to a person."""


class UsageError(NavigatorError):
    """The person's input cannot be used."""


class Refused(NavigatorError):
    """The run ends without an answer, on purpose."""


class CannotAnswer(Refused):
    """The model says that the question is beyond it; the router may escalate."""


class AmbiguousPatient(Refused):
    """Several patients fit; the message lists them, none is picked."""


class NotPermitted(Refused):
    """Policy, permission or the patient lock forbids it."""


class LimitReached(NavigatorError):
    """A limit on hops, tokens or time is reached."""


class Failed(NavigatorError):
    """Something broke."""


class UnknownPatient(Failed):
    """There is no such patient on this server."""


class ModelFailed(Failed):
    """What the model returned is no step, or there is no model to ask."""


class ContextExceeded(ModelFailed):
    """The conversation is longer than the model reads."""


class ModelUnavailable(ModelFailed):
    """The model's endpoint is down or refuses, or its weights are missing or do not fit."""


class ChartUnavailable(Failed):
    """The FHIR server cannot be reached, or refuses."""


class AuditUnavailable(Failed):
    """The audit journal cannot be written, so no call happens."""


class AuditKeyUnusable(AuditUnavailable):
    """The audit journal's key is missing, or it is another's."""


# What the kind of a failed tool call (the bracketed word of its text) means for the run.
BY_KIND: dict[str, type[NavigatorError]] = {
    "audit_unavailable": AuditUnavailable,
    "not_permitted": NotPermitted,
    "patient_locked": NotPermitted,
    "server_failed": ChartUnavailable,
}
