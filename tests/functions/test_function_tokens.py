"""Both vendors' tokens and the upkeep: few requests, no lock-out, and no connection that stops the others."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import State
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, BIRCH, HOUR, Business
from tests.functions.stack import Stack
from tests.functions.test_function_rights import missing


def statuses(simulator: Any, since: int = 0) -> list[int]:
    return [one["status"] for one in simulator.requests(since)]


def token_requests(business: Business) -> int:
    issued: int = business.mailbox["tokens_issued"]
    return issued


# ------------------------------------------------------------------------------------------------ SPS


def test_one_sps_token_serves_every_function_and_process_for_its_whole_life(
    stack: Stack, acme: Business
) -> None:
    for number in "12345":
        acme.offer(f"PO{number}.json", builders.order(PurchaseOrderNumber=number))
        assert acme.poll() == []
        stack.invoke("resolve_in_doubt", {})
        stack.restart()
    assert token_requests(acme) == 1
    stack.pass_time(HOUR)
    assert acme.poll() == []
    assert token_requests(acme) == 2


def test_each_connection_has_an_sps_token_of_its_own(acme: Business, birch: Business) -> None:
    for business in (acme, birch):
        business.offer("PO1.json", builders.order())
        business.poll()
    assert (token_requests(acme), token_requests(birch)) == (1, 1)


def test_an_sps_token_refused_before_its_time_is_renewed_once_and_by_one_function(
    stack: Stack, acme: Business
) -> None:
    acme.poll()
    acme.sps.expire_tokens()
    acme.offer("PO1.json", builders.order())
    since = len(acme.sps.requests())
    assert acme.poll() == []
    assert len(acme.bills) == 1
    assert token_requests(acme) == 2
    assert statuses(acme.sps, since).count(401) == 1


def test_an_sps_that_refuses_every_token_is_asked_for_one_more_and_the_message_comes_back(
    stack: Stack, acme: Business
) -> None:
    acme.offer("PO1.json", builders.order())
    stack.invoke("poll_sps", {"connection": "acme"})
    acme.sps.faults.add({"route": "GET /transactions", "kind": "401", "count": None})
    assert len(stack.deliver("SpsFilesToMap").failed) == 1
    assert token_requests(acme) == 2


def test_wrong_sps_credentials_are_no_loop_of_token_requests(stack: Stack, acme: Business) -> None:
    acme.stack.admin.secrets.write(
        "acme", "sps", {"client_id": acme.names.sps_client, "client_secret": "wrong"}
    )
    with pytest.raises(errors.NotConfigured):
        stack.invoke("poll_sps", {"connection": "acme"})
    assert statuses(acme.sps) == [401]


# ------------------------------------------------------------------------------------------ FreshBooks


def test_a_freshbooks_token_that_was_renewed_elsewhere_is_read_again_after_one_401(
    stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator
) -> None:
    freshbooks.simulator.settings["revoke_old_access"] = True
    acme = Business(ACME, stack, sps, freshbooks, expires_in=HOUR)
    acme.offer("PO1.json", builders.order())
    acme.poll()
    assert stack.invoke("refresh_token", {}) == {"acme": True}
    since = len(acme.freshbooks.requests())
    acme.offer("PO2.json", builders.order(PurchaseOrderNumber="2"))
    assert acme.poll() == []
    assert len(acme.bills) == 2
    assert statuses(acme.freshbooks, since).count(401) == 1


def test_a_freshbooks_token_refused_before_its_time_is_renewed_by_the_refresher_and_the_bill_goes_on(
    stack: Stack, acme: Business
) -> None:
    acme.offer("PO1.json", builders.order())
    acme.freshbooks.expire_tokens()
    stack.invoke("poll_sps", {"connection": "acme"})
    stack.deliver("SpsFilesToMap")
    assert stack.settle() == []
    assert acme.record().state is State.HELD, "out of the queue, so that no receives are used up"
    stack.invoke("resolve_in_doubt", {})
    assert stack.settle() == []
    assert acme.bills == []
    assert stack.invoke("refresh_token", {}) == {"acme": True}
    stack.invoke("resolve_in_doubt", {})
    assert stack.settle() == []
    assert missing(stack.calls) == set()
    assert len(acme.bills) == 1
    assert acme.books["tokens"]["refreshes"] == 1


def test_only_the_refresher_renews_and_only_once_half_of_the_life_is_over(
    stack: Stack, acme: Business
) -> None:
    assert stack.invoke("refresh_token", {}) == {"acme": False}
    stack.pass_time(7 * HOUR)
    assert stack.invoke("refresh_token", {}) == {"acme": True}
    assert stack.invoke("refresh_token", {}) == {"acme": False}
    stack.restart()
    assert stack.invoke("refresh_token", {}) == {"acme": False}
    assert acme.books["tokens"]["refreshes"] == 1
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []


def test_a_stranded_connection_is_told_and_does_not_keep_the_others_from_their_new_token(
    stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator
) -> None:
    acme, birch = (Business(names, stack, sps, freshbooks, expires_in=HOUR) for names in (ACME, BIRCH))
    acme.freshbooks.grants.refresh[acme.tokens["refresh_token"]].spent = True
    for _ in range(2):
        with pytest.raises(errors.Stranded):
            stack.invoke("refresh_token", {})
    assert birch.books["tokens"]["refreshes"] == 1
    assert acme.books["tokens"]["refused_refreshes"] == 1  # a spent token is not tried again
    told = [line for line in stack.log() if line["message"] == "token stranded"]
    assert [line["connection"] for line in told] == ["acme", "acme"]  # at every run: the alarm must stay on
    assert '"TokensStranded":[1.0]' in stack.printed()


def test_a_connection_that_nobody_authorized_yet_does_not_keep_the_others_from_their_new_token(
    stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator
) -> None:
    acme, birch = (Business(names, stack, sps, freshbooks, expires_in=HOUR) for names in (ACME, BIRCH))
    stack.admin.secrets.write(acme.id, "freshbooks", {"client_id": "app-acme", "client_secret": "new"})
    with pytest.raises(errors.Stranded, match="not authorized"):
        stack.invoke("refresh_token", {})
    assert birch.books["tokens"]["refreshes"] == 1


# ---------------------------------------------------------------------------------------------- upkeep


def test_a_bill_in_doubt_is_found_by_the_upkeep_and_not_made_again(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.freshbooks.faults.add({"route": r"POST .*/bills/bills$", "kind": "reset_after"})
    assert len(acme.poll()) == 1
    assert acme.record().state is State.IN_DOUBT
    assert stack.invoke("resolve_in_doubt", {})["acme"]["resumed"] == 1
    stack.deliver("SpsFilesToMap")
    assert stack.deliver("BillsToPush").failed == []
    assert acme.record().state is State.DELIVERED
    assert len(acme.bills) == 1


def test_a_connection_whose_settings_are_broken_does_not_keep_the_others_from_their_upkeep(
    stack: Stack, acme: Business, birch: Business
) -> None:
    birch.offer("PO1.json", builders.order())
    birch.freshbooks.faults.add({"route": r"POST .*/bills/bills$", "kind": "reset_after"})
    birch.poll()
    stack.admin.notes.write("", "connection", "acme", {"id": "acme", "freshbooks": {}})
    stack.restart()
    with pytest.raises(errors.BadUse, match="account_id"):
        stack.invoke("resolve_in_doubt", {})
    told = [line["connection"] for line in stack.log() if line["message"] == "upkeep failed"]
    assert told == ["acme"]
    stack.deliver("SpsFilesToMap")
    stack.deliver("BillsToPush")
    assert birch.record().state is State.DELIVERED


def test_where_the_time_does_not_suffice_for_all_no_connection_is_always_left_out(
    stack: Stack, acme: Business, birch: Business
) -> None:
    served: set[str] = set()
    for _ in range(30):
        before = len(stack.calls)
        with pytest.raises(errors.Busy, match="no time was left"):
            stack.invoke("refresh_token", {}, seconds=iter([120.0, 29.9]))
        read = [call for call in stack.calls[before:] if call.action == "secretsmanager:GetSecretValue"]
        served |= {call.parameters["SecretId"] for call in read}
    assert {name.split("/")[1] for name in served} == {"acme", "birch"}


def test_a_message_that_was_lost_is_sent_on_again_by_the_upkeep(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    stack.invoke("poll_sps", {"connection": "acme"})
    stack.deliver("SpsFilesToMap")
    stack.sqs.purge_queue(QueueUrl=stack.urls["BillsToPush"])
    stack.invoke("resolve_in_doubt", {})
    assert stack.settle() == []
    assert acme.bills == []  # it is only minutes old: somebody may be at it
    stack.pass_time(16 * 60)
    stack.invoke("resolve_in_doubt", {})
    assert stack.settle() == []
    assert len(acme.bills) == 1
