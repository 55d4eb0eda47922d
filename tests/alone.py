"""What the queues' consumers do, with one message by itself, or with all that lie in a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.usecases import inbound, outbound, targets
from connector.usecases import push as pushing
from connector.usecases.push import Target
from connector.usecases.together import Work, alone, together
from connector.usecases.world import World
from tests.fakes import FakeQueue


def take_turn(world: World, queue: FakeQueue, work: Work) -> None:
    """Work on all the messages of a queue together; those that failed come again."""
    messages = queue.take()
    queue.send([messages[n] for n in together(world, messages, work)])


def map_inbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, inbound.map_inbound)


def map_outbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, outbound.map_outbound)


def push_document(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, targets.push_document)


def push(world: World, message: Mapping[str, Any], target: Target, who: str) -> None:
    alone(world, message, lambda world, message: pushing.push(world, message, target, who))
