"""What moto lacks of `BatchExecuteStatement`: INSERT with parameters, and its refusal of a key that is there.

As DynamoDB documents it: each statement stands for itself and tells its own error; `tests/cloud` runs the same
adapter on another emulator.
"""

from __future__ import annotations

import re
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

_INSERT = re.compile(r'INSERT INTO "([\w.-]+)" VALUE \{((?:\'\w+\': \?(?:, )?)+)\}')


def teach_moto() -> None:
    """Have moto know INSERT from now on."""
    DynamoDBBackend.batch_execute_statement = _batch_execute_statement  # type: ignore[method-assign]


def _batch_execute_statement(
    backend: DynamoDBBackend, statements: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [_insert(backend, one["Statement"], one.get("Parameters", [])) for one in statements]


def _insert(backend: DynamoDBBackend, statement: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    parsed = _INSERT.fullmatch(statement)
    if parsed is None:
        raise NotImplementedError(f"only INSERT is known: {statement}")
    table, names = parsed[1], re.findall(r"'(\w+)'", parsed[2])
    item = dict(zip(names, parameters, strict=True))
    key = {name: item[name] for name in backend.get_table(table).table_key_attrs}
    if backend.get_item(table, key) is not None:
        message = "Duplicate primary key exists in table"
        return {"TableName": table, "Error": {"Code": "DuplicateItem", "Message": message}}
    backend.put_item(table, item)
    return {"TableName": table}
