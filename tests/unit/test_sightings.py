"""The note of a FreshBooks record: what keeps a poll from showing it again, and two workers from making it twice."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.documents.freshbooks import Invoice
from connector.usecases.polling import poll_freshbooks
from connector.usecases.sightings import Sighting
from tests.fakes import FakeWorld
from tests.unit import test_outbound as outbound


def seen(fake: FakeWorld, **changes: Any) -> Sighting:
    """The invoice as a worker reads it now."""
    fake.freshbooks.invoices[987654] |= {"updated": "2026-09-21 10:31:19", **changes}
    return Sighting.of(fake.world, "invoice", Invoice.model_validate(fake.freshbooks.invoices[987654]))


def test_a_record_whose_last_document_is_not_stored_yet_is_shown_by_the_next_poll() -> None:
    fake = outbound.world()
    first = seen(fake)
    first.keep("R", done=False)
    assert poll_freshbooks(fake.world) == 1
    first.keep("R")
    assert poll_freshbooks(fake.world) == 0
    seen(fake, version="2026-03-12 08:00:00.000000").keep("R", done=False)
    assert poll_freshbooks(fake.world) == 1
    seen(fake, version=first.version.partition("/")[0])
    assert poll_freshbooks(fake.world) == 0, "the version before is still known as looked at"


def test_what_is_noted_already_is_not_written_again() -> None:
    fake = outbound.world()
    seen(fake).keep("R")
    again = seen(fake)
    fake.notes.replace = lambda *_: pytest.fail("nothing to write")  # type: ignore[method-assign]
    again.keep("R")


def test_of_two_workers_the_second_goes_on_only_where_both_found_the_same() -> None:
    fake = outbound.world()
    one, same, other = (seen(fake) for _ in range(3))
    one.documents["invoice"] = same.documents["invoice"] = "acme/out/R/invoice/1"
    other.documents["invoice"] = "acme/out/R/invoice/2"
    one.keep("R")
    same.keep("R")
    with pytest.raises(errors.Busy) as stopped:
        other.keep("R")
    assert stopped.value.code == "record_moved"
    assert seen(fake).documents == {"invoice": "acme/out/R/invoice/1"}
