"""What the queues' consumers do, with one message by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.usecases import inbound, outbound, targets
from connector.usecases import push as pushing
from connector.usecases.push import Target
from connector.usecases.together import alone
from connector.usecases.world import World


def map_inbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, inbound.map_inbound)


def map_outbound(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, outbound.map_outbound)


def push_document(world: World, message: Mapping[str, Any]) -> None:
    alone(world, message, targets.push_document)


def push(world: World, message: Mapping[str, Any], target: Target, who: str) -> None:
    alone(world, message, lambda world, message: pushing.push(world, message, target, who))
