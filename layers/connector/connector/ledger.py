"""What happens to a document: identity, states, history, and the claim - effect - confirm of a push.

Everything here is pure: a step takes a `Record` and returns the next one. `ports.Ledger.save` makes a step
true by one conditional write on `version`, so of two workers only one gets through and the other is handed
the stored record. No message id is ever part of an identity: redeliveries and redrives are the same document.

    RECEIVED -> MAPPED -> CLAIMED -> DELIVERED -> PICKED_UP
                  |          |-> IN_DOUBT (ask the target) -> DELIVERED, or MAPPED for a new attempt
                  |          `-> REJECTED (the target said no for good)
                  `-> HELD (a person, a setting or another document is needed)
    SUPERSEDED, CANCELLED, SKIPPED end a document without a push.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, unquote

from connector import errors

LEASE_SECONDS = 180.0  # longer than a function that sends may run
HISTORY_IN_RECORD = 60
GENESIS = "0" * 64

Direction = Literal["in", "out"]


class State(StrEnum):
    RECEIVED = "RECEIVED"
    MAPPED = "MAPPED"
    HELD = "HELD"
    CLAIMED = "CLAIMED"
    IN_DOUBT = "IN_DOUBT"
    DELIVERED = "DELIVERED"
    PICKED_UP = "PICKED_UP"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


FINAL = frozenset(
    {State.DELIVERED, State.PICKED_UP, State.REJECTED, State.SUPERSEDED, State.CANCELLED, State.SKIPPED}
)
AT_TARGET = frozenset({State.DELIVERED, State.PICKED_UP})
DEALT_WITH = AT_TARGET | {State.SKIPPED}  # by a person, too: what was resolved was done by hand
IN_FLIGHT = frozenset({State.CLAIMED, State.IN_DOUBT})
OPEN = frozenset(State) - FINAL
ON_THE_WAY = frozenset({State.RECEIVED, State.MAPPED, State.CLAIMED})
GOING_WELL = ON_THE_WAY | {State.DELIVERED}


def place_of(state: State) -> str:
    """Where lists keep a document in this state. One that meets no trouble stays in one place: moving is billed."""
    return "GOING_WELL" if state in GOING_WELL else str(state)


class DocumentKey(NamedTuple):
    """The identity of a document: who, which way, which partner, what, which number."""

    connection: str
    direction: Direction
    partner: str
    type: str
    number: str

    @property
    def id(self) -> str:
        """`acme/in/123ALLSUPPLIER/order/4500012345`, each part percent-encoded."""
        return "/".join(quote(part, safe="") for part in self)

    @staticmethod
    def of(text: str) -> DocumentKey:
        parts = [unquote(part) for part in text.split("/")]
        if len(parts) != 5 or parts[1] not in ("in", "out"):
            raise errors.BadUse(
                "a document id reads CONNECTION/in|out/PARTNER/TYPE/NUMBER",
                code="bad_document_id",
                place=text[:80],
            )
        return DocumentKey(*parts)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a document's history; `hash` covers the line and the hash before it."""

    n: int
    at: str
    who: str
    what: str
    from_state: str
    to_state: str
    revision: int
    attempt: int
    correlation_id: str
    digest: str
    note: str
    previous: str
    hash: str = ""

    def sealed(self) -> Event:
        text = json.dumps({**asdict(self), "hash": ""}, sort_keys=True, separators=(",", ":"))
        return replace(self, hash=hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Record:
    """All the ledger knows of one document. Times are ISO 8601 in UTC; `lease_until` is epoch seconds.

    `entered` is since when it is in its state, or when it came on the way that it went without trouble: lists go
    by it, so that an event (a shipment of a delivered order) does not move it.
    `rank` orders revisions of one document (a lower one never overwrites a higher one); `payloads` point
    into the archive by stage (`received`, `exchange`); `reference` is the unique name at the target (file
    path, bill number); `shipments` holds an order's shipment events by shipment number, `fulfilment` what each of
    our documents did to an order's lines, by type and number (`invoice/INV-1`: `{"lines": {"1": "12"}, ...}`).
    """

    key: DocumentKey
    state: State
    created: str
    updated: str
    entered: str = ""
    version: int = 0
    revision: int = 1
    digest: str = ""
    rank: str = ""
    attempt: int = 0
    fence: int = 0
    lease_until: float = 0.0
    reference: str = ""
    remote_id: str = ""
    waits_for: str = ""
    reason: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Mapping[str, str], ...] = ()
    payloads: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    amount: str = ""
    currency: str = ""
    date: str = ""
    correlation_id: str = ""
    duplicates: int = 0
    revisions: tuple[Mapping[str, Any], ...] = ()
    shipments: Mapping[str, Any] = field(default_factory=dict)
    fulfilment: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Event, ...] = ()

    def step(
        self, what: str, *, now: str, who: str, to: State | None = None, note: str = "", **changes: Any
    ) -> Record:
        """The next record: one more version and one more event, all in one."""
        state = to or self.state
        last = self.history[-1] if self.history else None
        begins = self.state in FINAL and state not in FINAL
        stays = last is not None and place_of(state) == place_of(self.state) and not begins
        moved = replace(
            self,
            state=state,
            updated=now,
            entered=self.entered if stays else now,
            version=self.version + 1,
            **changes,
        )
        event = Event(
            n=last.n + 1 if last else 1,
            at=now,
            who=who,
            what=what,
            from_state=self.state if last else "",
            to_state=state,
            revision=moved.revision,
            attempt=moved.attempt,
            correlation_id=moved.correlation_id,
            digest=moved.digest,
            note=note,
            previous=last.hash if last else GENESIS,
        ).sealed()
        return replace(moved, history=(*self.history, event))

    def revised(self, *, now: str, who: str, what: str, note: str, **changes: Any) -> Record:
        """The record one revision on, the present one kept in its list; nothing of the new one is done yet."""
        past = {
            "revision": self.revision,
            "digest": self.digest,
            "state": self.state if self.state in FINAL else State.SUPERSEDED,
            "remote_id": self.remote_id,
            "reference": self.reference,
            "source": self.source,
            "payloads": dict(self.payloads),
        }
        return self.step(
            what,
            now=now,
            who=who,
            to=State.RECEIVED,
            note=note,
            revision=self.revision + 1,
            remote_id="" if self.state is State.CANCELLED else self.remote_id,
            attempt=0,
            reason={},
            waits_for="",
            findings=(),
            revisions=(*self.revisions, past),
            **changes,
        )


def verify_history(history: tuple[Event, ...], previous: str = GENESIS) -> int | None:
    """The number of the first event that is not what was written, or None where the chain holds."""
    for event in history:
        if event.previous != previous or event.sealed().hash != event.hash:
            return event.n
        previous = event.hash
    return None


class Arrival(StrEnum):
    """What an arriving document is to the ledger."""

    NEW = "new"
    REVISION = "revision"
    AGAIN = "again"
    DUPLICATE = "duplicate"
    STALE = "stale"


def arrive(
    stored: Record | None,
    key: DocumentKey,
    *,
    digest: str,
    rank: str,
    now: str,
    who: str,
    correlation_id: str,
    source: str,
    received: str,
) -> tuple[Arrival, Record]:
    """The record after a document arrived, and what the arrival is.

    Same content again is a duplicate, unless its work has not got through yet (AGAIN: map it and send it on
    again, the claim absorbs repeats). Other content is a revision if its rank is not lower, else stale.
    Raises Busy while a push of the earlier revision is in flight: its outcome must be known first.
    Of another record of FreshBooks it is a revision: content and rank say nothing across two of them.
    """
    if stored is None:
        record = Record(
            key,
            State.RECEIVED,
            now,
            now,
            digest=digest,
            rank=rank,
            source=source,
            correlation_id=correlation_id,
            payloads={"received": received},
        )
        return Arrival.NEW, record.step("received", now=now, who=who, to=State.RECEIVED)
    own = same_origin(stored.source, source)
    if own and digest == stored.digest:
        if stored.state in OPEN:
            return Arrival.AGAIN, replace(stored, correlation_id=correlation_id)
        again = stored.step(
            "duplicate",
            now=now,
            who=who,
            note=source,
            duplicates=stored.duplicates + 1,
            rank=max(rank, stored.rank),
        )
        return Arrival.DUPLICATE, again
    known = any(digest == past["digest"] for past in stored.revisions)
    if own and (rank < stored.rank or (known and rank <= stored.rank)):
        return Arrival.STALE, stored.step("stale", now=now, who=who, note=source)
    if stored.state in IN_FLIGHT:
        raise errors.Busy(
            "an earlier revision is being delivered", code="earlier_revision_in_flight", retry_after=30
        )
    revised = stored.revised(
        now=now,
        who=who,
        what="revised",
        note=source,
        digest=digest,
        rank=rank,
        payloads={"received": received},
        source=source,
        correlation_id=correlation_id,
    )
    return Arrival.REVISION, revised


def same_origin(one: str, other: str) -> bool:
    """Whether two sources are not two records of FreshBooks (`invoice:7`, `invoice:8`)."""
    noun, _, _ = one.partition(":")
    return one == other or noun not in ("invoice", "bill") or not other.startswith(f"{noun}:")


def revision_began(record: Record) -> str:
    """When the present revision came (or earlier): nothing of it was at the target before."""
    first = next((event for event in record.history if event.revision == record.revision), None)
    return record.created if first is None or first is record.history[0] else first.at


def delivered_before(record: Record) -> bool:
    """Whether an earlier revision of this document reached the target."""
    return any(past["state"] in AT_TARGET for past in record.revisions)


class Claim(StrEnum):
    """What a worker that wants to push finds."""

    MINE = "mine"
    ASK = "ask"
    DONE = "done"


def claim(
    stored: Record, revision: int, *, now: str, clock: float, who: str, note: str = ""
) -> tuple[Claim, Record]:
    """Try to take the right to push `revision`; the caller saves the record where it is MINE.

    MINE: push once. ASK: an earlier attempt may have acted, ask the target first. DONE: nothing to do.
    Raises Busy while somebody else holds the lease.
    """
    if stored.revision != revision or stored.state not in (State.MAPPED, *IN_FLIGHT):
        return Claim.DONE, stored
    if stored.state is State.CLAIMED and stored.lease_until > clock:
        raise errors.Busy("another worker holds the document", retry_after=stored.lease_until - clock)
    if stored.state in IN_FLIGHT:
        return Claim.ASK, stored
    return Claim.MINE, stored.step(
        "claimed",
        now=now,
        who=who,
        note=note,
        to=State.CLAIMED,
        attempt=stored.attempt + 1,
        fence=stored.fence + 1,
        lease_until=clock + LEASE_SECONDS,
    )


def content_of(pointer: str) -> str:
    """What a pointer points to, wherever it is kept: the digest of the payload, and which document of it (`#1`)."""
    where, mark, index = pointer.partition("#")
    return where.partition(".")[0] + mark + index


def reason_of(error: errors.ConnectorError) -> dict[str, str]:
    """The error as kept with the record and shown to a person."""
    parts = {"code": error.code, "message": error.message, "place": error.place, "fix": error.fix}
    return {name: text for name, text in parts.items() if text}
