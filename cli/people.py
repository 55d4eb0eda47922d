"""`connector people`: who may use the console, and what they may do there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from cli.output import JsonOption, console, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors

app = typer.Typer(help="People: who may use the console.", no_args_is_help=True, add_completion=False)
Group = Literal["viewer", "operator"]


@app.command("add")
@guarded
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Under which they sign in; kept on histories.")],
    group: Annotated[Group, typer.Option(help="viewer looks on; operator replays, resolves, edits packs.")],
    email: Annotated[str, typer.Option(help="Where Cognito sends the first password.")] = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Invite somebody, or put somebody who is there into a group. A person is in one group at a time."""
    cognito, pool = _pool(stack)
    try:
        cognito.admin_get_user(UserPoolId=pool, Username=name)
        invited = False
    except cognito.exceptions.UserNotFoundException:
        if "@" not in email:
            text = f"{email} is no e-mail address" if email else "a new person needs --email"
            raise errors.BadUse(text, code="no_email") from None
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(
            UserPoolId=pool, Username=name, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"]
        )
        invited = True
    for other in _groups(cognito, pool, name):
        if other != group:
            cognito.admin_remove_user_from_group(UserPoolId=pool, Username=name, GroupName=other)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    if as_json:
        show_json({"name": name, "group": group, "invited": invited})
    else:
        console.print(f"{name} is {group}." + (f" The first password goes to {email}." if invited else ""))


@app.command("list")
@guarded
def list_(stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False) -> None:
    """Everybody who may sign in, with their group."""
    cognito, pool = _pool(stack)
    rows = [
        {
            "name": user["Username"],
            "group": ", ".join(_groups(cognito, pool, user["Username"])),
            "status": user["UserStatus"],
        }
        for page in cognito.get_paginator("list_users").paginate(UserPoolId=pool)
        for user in page["Users"]
    ]
    if as_json:
        show_json({"people": rows})
        return
    table = Table("name", "group", "status")
    for row in rows:
        table.add_row(row["name"], row["group"] or "none: sees nothing", row["status"])
    console.print(table if rows else "Nobody yet: `connector people add NAME --group operator --email …`.")


@app.command("remove")
@guarded
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Take somebody's access, at open consoles within ten minutes; their name stays on histories."""
    cognito, pool = _pool(stack)
    try:
        cognito.admin_user_global_sign_out(UserPoolId=pool, Username=name)
        cognito.admin_delete_user(UserPoolId=pool, Username=name)
    except cognito.exceptions.UserNotFoundException:
        raise errors.BadUse(f"there is nobody called {name}", code="no_such_person") from None
    show_json({"removed": name}) if as_json else console.print(
        f"{name} cannot sign in any more; an open console ends within ten minutes."
    )


def _pool(stack: str) -> tuple[Any, str]:
    reached = Stack(stack)
    pool = reached.outputs["PeoplePool"]  # first, since it says in one line why a stack can't be read
    return reached.client("cognito-idp"), pool


def _groups(cognito: Any, pool: str, name: str) -> list[str]:
    found = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=name)
    return [group["GroupName"] for group in found["Groups"]]
