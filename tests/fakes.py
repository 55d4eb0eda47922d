"""The stand-ins for the ports; `tests/ports` runs one suite on them and on the real adapters."""

from local.faults.fakes import (
    FakeArchive,
    FakeClock,
    FakeFreshBooks,
    FakeLeases,
    FakeLedger,
    FakeMailbox,
    FakeNotes,
    FakeQueue,
    FakeWorld,
)

__all__ = [
    "FakeArchive",
    "FakeClock",
    "FakeFreshBooks",
    "FakeLeases",
    "FakeLedger",
    "FakeMailbox",
    "FakeNotes",
    "FakeQueue",
    "FakeWorld",
]
