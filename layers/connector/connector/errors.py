"""Every way in which work stops, named by what to do next.

ConnectorError
├── NotSent               the request certainly did not act: release the claim, try again later
│   ├── Throttled         429: wait `retry_after` seconds
│   ├── Unreachable       DNS, connection refused, TLS, connect timeout, a safe request that failed
│   ├── Unauthenticated   401 even after the token was read again or renewed once
│   └── Busy              another worker holds the lease, or the record moved on meanwhile
├── OutcomeUnknown        the request may have acted: ask the target before any second attempt
├── Parked                stop the document, say why and what to do; it resumes from its archived input
│   ├── BadInput          the source document cannot be read or lacks something it must have
│   ├── NotConfigured     a partner, category, vendor or credential has to be set up first
│   ├── Waiting           for another document (`waits_for`); resumes by itself when that arrives
│   ├── CheckFailed       a rule before sending says no
│   └── Refused           the target said no for good
│       ├── NotFound      the object is not (or no longer) there
│       ├── Forbidden     scope, role or read-only field: trying again never helps
│       └── PlanLacksFeature   the FreshBooks plan has no bills or vendors
├── Stranded              the refresh token is gone: a person must authorize again; queues wait
└── BadUse                a command or setting that makes no sense
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ConnectorError(Exception):
    """An error with a stable `code`, a plain-English message, the `place` in the input and the `fix`.

    `message` never holds payloads, tokens or addresses: it is logged and shown.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, place: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.fix = fix
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class NotSent(ConnectorError):
    """The request certainly did not act; `retry_after` is in seconds, None where nobody said."""

    code = "not_sent"

    def __init__(self, message: str, *, retry_after: float | None = None, **keywords: str) -> None:
        super().__init__(message, **keywords)
        self.retry_after = retry_after


class Throttled(NotSent):
    code = "throttled"


class Unreachable(NotSent):
    code = "unreachable"


class Unauthenticated(NotSent):
    """Not tried again at once: the refresher, or a person, has to act first."""

    code = "unauthenticated"

    def __init__(self, message: str, *, retry_after: float | None = 300.0, **keywords: str) -> None:
        super().__init__(message, retry_after=retry_after, **keywords)


class Busy(NotSent):
    code = "busy"


class OutcomeUnknown(ConnectorError):
    code = "outcome_unknown"


class Worth(NamedTuple):
    """A document's money and day, as its record keeps them."""

    amount: str = ""
    currency: str = ""
    date: str = ""


class Parked(ConnectorError):
    """`worth` is what waits with the document, where that is known."""

    code = "parked"
    worth: Worth | None = None


class BadInput(Parked):
    code = "bad_input"


class NotConfigured(Parked):
    code = "not_configured"


class Waiting(Parked):
    """`waits_for` names what resumes this one: a document (`ledger.DocumentKey.id`), a pack, a partner going
    live. `findings` as for CheckFailed, where the document was mapped before it had to wait."""

    code = "waiting"
    findings: tuple[Mapping[str, str], ...] = ()

    def __init__(self, message: str, *, waits_for: str, **keywords: str) -> None:
        super().__init__(message, **keywords)
        self.waits_for = waits_for


class CheckFailed(Parked):
    """`findings` holds everything that the checks noticed, `keeps` what is archived by stage; `document`
    is what was made, where it was mapped before it failed."""

    code = "check_failed"
    document: Mapping[str, object] | None = None
    findings: tuple[Mapping[str, str], ...] = ()
    keeps: Mapping[str, bytes] = {}


class Refused(Parked):
    code = "refused"


class NotFound(Refused):
    code = "not_found"


class Forbidden(Refused):
    code = "forbidden"


class PlanLacksFeature(Refused):
    code = "plan_lacks_feature"


class Stranded(ConnectorError):
    code = "stranded"
    retry_after = 1800.0  # a message waits for a person for two days before it counts as failed


class BadUse(ConnectorError):
    code = "bad_use"
