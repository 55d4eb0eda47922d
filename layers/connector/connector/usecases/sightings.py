"""What is noted of a record of FreshBooks: which version was looked at, whose it is, and the documents made of it.

One note is written when a document is stored and before it is sent. So the poll need not show the record again, and a
record that gets another number later is known to be a document already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector import errors

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill, Invoice
    from connector.usecases.webhooks import Noun
    from connector.usecases.world import World

TOPIC = "seen"
NOBODYS = "not a trading partner's"


def version_of(record: Invoice | Bill) -> str:
    return f"{record.change_token}/{record.vis_state}"


@dataclass(slots=True)
class Sighting:
    """The note of a record: `stored` as it was read, `documents` by type as they are now."""

    world: World
    name: str
    version: str
    stored: dict[str, Any] | None
    documents: dict[str, str]

    @staticmethod
    def of(world: World, noun: Noun, record: Invoice | Bill) -> Sighting:
        name = f"{noun}:{record.id}"
        stored = world.notes.read(world.id, TOPIC, name)
        return Sighting(world, name, version_of(record), stored, dict((stored or {}).get("documents", {})))

    def keep(self, what: str, *, done: bool = True) -> None:
        """Note what the record is and, with `done`, that this version was looked at.

        Raises Busy where another worker has noted something else since: it may have made another document of it.
        """
        version = self.version if done else (self.stored or {}).get("version", "")
        note: dict[str, Any] = {"version": version, "what": what}
        if self.documents:
            note["documents"] = dict(self.documents)
        if note == self.stored:
            return
        notes, place = self.world.notes, (self.world.id, TOPIC, self.name)
        if not notes.replace(*place, note, self.stored) and notes.read(*place) != note:
            raise errors.Busy("another worker looked at it, too", code="record_moved", retry_after=2)
        self.stored = note
