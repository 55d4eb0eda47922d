"""Clients of AWS, made of botocore: boto3 around it would load its S3 transfer manager at every cold start."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# AWS calls are retried by botocore alone; a stalled call must not eat a function's whole time
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=10)


@cache
def _session() -> Any:
    return botocore.session.get_session()


def client(service: str) -> Any:
    """A client with the methods, exceptions and events that `boto3.client` has."""
    return _session().create_client(service, config=_CONFIG)
