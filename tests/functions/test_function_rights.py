"""Every AWS call that a handler makes is one that its own policy in template.yaml allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, BIRCH, HOUR, Business
from tests.functions.gateway import Gateway
from tests.functions.stack import Call, Stack
from tests.functions.template import CONSUMERS, FUNCTIONS, GRANTED, STACK_NAME
from tests.functions.test_function_logs import a_day

_NAMES = {"documents": "Documents", "archive": "Archive", "oauth-state": "OAuthState"}
# granted, and not asked for by the day of `lived`: by whom, what, and when it is
RARELY_ASKED = [
    (
        "map_.*|push_.*",
        "sqs:(Receive|Delete)Message .*|sqs:GetQueueAttributes .*",
        "by Lambda, which reads the queue",
    ),
    (".*", "s3:ListBucket Archive", "never: it makes an object that is missing be missing, not denied"),
    ("push_.*", r"s3:GetObject Archive/\*", "where a document was too large for a message"),
    (".*", "secretsmanager:PutSecretValue .*/sps-token.*", "where SPS's token is found expired"),
    (".*", "dynamodb:UpdateItem Documents", "with the lease for that"),
    ("push_.*", "dynamodb:Query .*waiting|sqs:SendMessage .*", "where documents waited for this one"),
    ("poll_freshbooks", "sqs:SendMessage RecordsToMap", "where a webhook was missed"),
    (
        "resolve_in_doubt",
        ".* Documents.*|sqs:SendMessage RecordsToMap|.*/freshbooks.*",
        "where something is in doubt",
    ),
    ("send_digest", ".*waiting", "where something waits"),
    ("send_digest", ".*digests/chat.*", "where there is a chat"),
    ("serve_console", r"s3:PutObject .*", "where shipments are uploaded and orders acknowledged"),
    ("serve_console", "secretsmanager:.*", "where accounts are connected"),
]
# one permission covers what the API knows as two operations
_ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage"}


def each_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resource_name(resource: Any) -> str:
    """A policy's resource as a pattern: `Documents/index/waiting`, `Archive/*`, `secret:books/*/sps*`."""
    if "Ref" in resource:
        return str(resource["Ref"])
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    text = str(resource["Fn::Sub"]).replace("${AWS::StackName}", STACK_NAME)
    if ":secret:" in text:
        return "secret:" + text.partition(":secret:")[2]
    return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)


def rights(function: str) -> set[tuple[str, str]]:
    return {
        (action, resource_name(resource))
        for one in GRANTED[function]
        for action in each_of(one["Action"])
        for resource in each_of(one["Resource"])
        if not action.startswith(("logs:", "xray:"))  # Lambda's own doing
    }


def asked_for(call: Call) -> Iterator[tuple[str, str]]:
    """The permissions that a call needs, as AWS would check them."""
    given, action = call.parameters, _ACTIONS.get(call.action, call.action)
    service = action.partition(":")[0]
    if service == "dynamodb":
        for table in [given["TableName"]] if "TableName" in given else list(given["RequestItems"]):
            index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
            yield action, f"{_NAMES[table]}{index}"
    elif service == "s3":
        yield action, f"{_NAMES[given['Bucket']]}/{given['Key']}"
    elif action == "sqs:StartMessageMoveTask":
        yield action, given["SourceArn"].rpartition(":")[2]
        yield "sqs:SendMessage", given["DestinationArn"].rpartition(":")[2]
    elif service == "sqs":
        yield action, given["QueueUrl"].rpartition("/")[2] if "QueueUrl" in given else given["QueueName"]
    elif service == "sns":
        yield action, given["TopicArn"].rpartition(":")[2]
    else:
        name = given["SecretId"]
        yield action, _NAMES.get(name, f"secret:{name}-AbCdEf")  # AWS appends six characters


def missing(calls: list[Call]) -> set[tuple[str, str, str]]:
    """(function, action, resource) of every call that AWS would have denied."""
    return {
        (call.function, action, resource)
        for call in calls
        for action, resource in asked_for(call)
        if not any(
            action == right and fnmatchcase(resource, pattern) for right, pattern in rights(call.function)
        )
    }


@pytest.fixture
def lived(stack: Stack, acme: Business, gateway: Gateway) -> Stack:
    a_day(stack, acme, gateway)
    fewer = [builders.change_line(1, "QD", OrderQty=3)]
    for changes in (fewer, []):  # one for the bill, and one that FreshBooks has no place for
        change = builders.order_change(changes, PurchaseOrderNumber="of-422", Department=f"{len(changes)}")
        acme.offer(f"change-{len(changes)}.json", change)
        acme.poll()
    stack.http("GET", f"/api/document?id=acme/in/{builders.PARTNER}/order/{builders.PO_NUMBER}")
    stack.http("POST", "/api/document/replay", {"id": "acme/in/-/file/4.json"})
    for queue in CONSUMERS:
        stack.send(f"{queue}Failed", {"connection": "acme"})
    for path in ("overview?connection=acme", "queues", "report?connection=acme&name=variances"):
        stack.http("GET", f"/api/{path}")
    for queue in ("sps_files_to_map", "bills_to_push", "records_to_map", "rsx_to_push"):
        stack.http("POST", "/api/queue/redrive", {"queue": queue})
    switch = {"connection": "acme", "partner": builders.PARTNER}
    for mode in ("shadow", "live"):
        stack.http("POST", "/api/partner/switch", {**switch, "mode": mode})
    for route in ("authorize", "connect/webhooks"):
        stack.http("POST", f"/api/{route}", {"connection": "acme"})
    stack.invoke("send_digest", {})
    stack.settle()
    return stack


def test_a_whole_day_asks_for_nothing_that_the_template_does_not_allow(lived: Stack) -> None:
    assert {call.function for call in lived.calls} == set(FUNCTIONS)
    assert missing(lived.calls) == set()


def test_nothing_is_allowed_that_no_function_asks_for(lived: Stack) -> None:
    asked = [(call.function, *asked) for call in lived.calls for asked in asked_for(call)]
    unasked = [
        (function, f"{action} {pattern}")
        for function in FUNCTIONS
        for action, pattern in sorted(rights(function))
        if not any(by == function and a == action and fnmatchcase(r, pattern) for by, a, r in asked)
    ]
    rare = {
        (function, right): why
        for function, right in unasked
        for functions, rights_, why in RARELY_ASKED
        if re.fullmatch(functions, function) and re.fullmatch(rights_, right)
    }
    assert [one for one in unasked if one not in rare] == []
    assert set(rare.values()) == {why for _, _, why in RARELY_ASKED}, "what the day has come to ask for"


def test_what_is_too_large_for_a_message_may_be_kept_and_fetched(stack: Stack, acme: Business) -> None:
    acme.offer("large.json", builders.order(2000))
    assert acme.poll() == []
    assert missing(stack.calls) == set()


def test_a_stranded_connection_and_a_refused_token_may_be_noted(
    stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator
) -> None:
    acme, birch = (Business(names, stack, sps, freshbooks, expires_in=HOUR) for names in (ACME, BIRCH))
    acme.freshbooks.grants.refresh[acme.tokens["refresh_token"]].spent = True
    birch.freshbooks.expire_tokens()
    for function in ("poll_freshbooks", "poll_freshbooks", "refresh_token"):
        for business in (acme, birch):
            with pytest.raises(Exception, match=r".+"):
                stack.invoke(function, {"connection": business.id})
    assert missing(stack.calls) == set()
