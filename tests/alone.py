"""What the queues' consumers do with one message by itself, and the steps that documents share in a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.documents.freshbooks import Bill, Invoice
from connector.ledger import Record
from connector.usecases import arrivals, inbound, outbound, sightings, targets
from connector.usecases import push as pushing
from connector.usecases.push import Target
from connector.usecases.together import alone, by_itself
from connector.usecases.webhooks import Noun
from connector.usecases.world import World


def map_inbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, inbound.map_inbound)


def map_outbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, outbound.map_outbound)


def push_document(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, targets.push_document)


def push(world: World, message: Mapping[str, Any], target: Target, who: str) -> None:
    alone(world, message, lambda world, message: pushing.push(world, message, target, who))


def settle(*arguments: Any, **keywords: Any) -> Record:
    return by_itself(arrivals.settle(*arguments, **keywords))


def resume_invoices(world: World, number: str) -> None:
    by_itself(arrivals.resume_invoices(world, number))


class Sighting:
    """The note of a FreshBooks record as one worker reads it now."""

    def __init__(self, world: World, noun: Noun, record: Invoice | Bill) -> None:
        self._sighting = by_itself(sightings.Sighting.of(world, noun, record))
        self.version, self.documents = self._sighting.version, self._sighting.documents

    def keep(self, what: str, *, done: bool = True) -> None:
        by_itself(self._sighting.keep(what, done=done))
