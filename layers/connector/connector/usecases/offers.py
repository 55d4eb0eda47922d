"""Which files of the mailbox are worth a message, and what becomes of one that cannot be read.

SPS lists a file until it is deleted, and nothing that was not understood is deleted. So a poll sends no second message
while the first one may still be waiting, and a file that cannot be read is shown to a person, left where it is, and
looked at again less and less often; if it can be read after all, its document here is closed.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import DocumentKey, State

if TYPE_CHECKING:
    from connector.usecases.world import World

MOST_FILES = 20_000  # a poll sends so many messages within its time, and so many marks fit into one note
MARK_LENGTH = 8
SEND_AGAIN_SECONDS = 4 * 3600.0
TRIES, TRY_SECONDS = 5, 1800.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 600.0, 86_400.0
NOTHING = hashlib.sha256(b"").hexdigest()  # what is in the archive for a file that could not be read
_FIX = "ask for the file again, and delete this one at SPS"


def worth_a_message(world: World, listed: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Messages for the listed files that none may be waiting for, and the note to keep once they are sent."""
    if not listed:
        return [], {}
    now = world.clock.epoch()
    left = world.notes.read_all(world.id, "left")
    paths = [path for path in listed if left.get(path, {}).get("until", 0.0) <= now][:MOST_FILES]
    before = world.notes.read(world.id, "mailbox", "sent") or {"at": 0.0, "marks": ""}
    known: set[str] = set()
    if now - before["at"] < SEND_AGAIN_SECONDS and world.queues.sps_files_to_map.depth():
        text = before["marks"]
        known = {text[at : at + MARK_LENGTH] for at in range(0, len(text), MARK_LENGTH)}
    marks = {path: _mark(path) for path in paths}
    messages = [
        {"path": path, **({"left": True} if left.get(path) else {})}
        for path in paths
        if marks[path] not in known
    ]
    return messages, {"at": before["at"] if known else now, "marks": "".join(marks.values())}


def _mark(path: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(path.encode()).digest()).decode()[:MARK_LENGTH]


def fetch(world: World, path: str) -> bytes | errors.BadInput | None:
    """The file; None where it is gone; or why it has to be left at SPS and shown to a person.

    What may pass raises, until it has not for `TRIES` tries and `TRY_SECONDS`.
    """
    try:
        return world.sps.download(path)
    except errors.NotFound:
        world.report("file is gone: taken in before", path=path)
        return None
    except errors.Refused as error:
        if error.code == "too_large":
            return leave(world, path, "the file is longer than the connector takes", code="too_large")
        return leave(world, path, error.message, code=error.code, fix=error.fix)
    except errors.Unreachable as error:
        if error.code == "empty_answer":
            return leave(world, path, "the file is empty", code="empty")
        if error.code == "circuit_open" or error.retry_after is not None or not tried_enough(world, path):
            raise
        return leave(world, path, f"the file could not be read: {error.message}", code="file_not_read")


def tried_enough(world: World, path: str) -> bool:
    """Count one more failure of a file that may be its own fault; whether it is time to stop trying."""
    now, note = world.clock.epoch(), world.notes.read(world.id, "left", path) or {}
    note |= {"first": note.get("first", now), "tries": note.get("tries", 0) + 1}
    world.notes.write(world.id, "left", path, note)
    return bool(note["tries"] >= TRIES and now - note["first"] >= TRY_SECONDS)


def leave(world: World, path: str, message: str, *, code: str, fix: str = "") -> errors.BadInput:
    """The reason to park the file with; the next look at it is twice as far off as the last one was."""
    note = world.notes.read(world.id, "left", path) or {}
    looks = note.get("looks", 0)
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(looks, 10), LONGEST_WAIT_SECONDS)
    note |= {"looks": looks + 1, "until": world.clock.epoch() + wait}
    world.notes.write(world.id, "left", path, note)
    return errors.BadInput(message, code=code, fix=fix or _FIX)


def file_key(connection: str, number: str) -> DocumentKey:
    """The identity of a file that is no document, or cannot be read."""
    return DocumentKey(connection, "in", "-", "file", number)


def read_after_all(world: World, path: str, who: str) -> None:
    """Close the document of a file that had been left, now that it was taken in."""
    world.notes.write(world.id, "left", path, {})
    record = world.ledger.get(file_key(world.id, path.rpartition("/")[2]))
    if record is None or record.state not in (State.HELD, State.RECEIVED):
        return
    if record.payloads["received"].startswith(NOTHING):
        closed = record.step(
            "taken in",
            now=world.clock.now(),
            who=who,
            to=State.SKIPPED,
            note="it could be read after all",
            reason={},
        )
        world.ledger.save(closed, record.version)
