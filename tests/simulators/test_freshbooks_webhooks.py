"""FreshBooks' webhooks as simulated: facts of reference/freshbooks.md, section 4."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from local.simulators.webhooks import signature

PATH = "/events/account/xZNQ1X/events/callbacks"


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent and answers with the next of `statuses`, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keep)
        self.received: list[tuple[str, dict[str, str], str]] = []
        self.statuses: list[int] = []
        self.url = f"http://hooks.localhost:{self.server_address[1]}"

    def events(self) -> list[str]:
        names = [parse_qs(body)["name"][0] for _, _, body in self.received]
        return [name for name in names if name != "callback.verify"]


class _Keep(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def subscribe(freshbooks, receiver, event: str = "bill", verify: bool = True) -> dict:
    body = {"callback": {"event": event, "uri": f"{receiver.url}/{event}?key=1"}}
    response = freshbooks.call("POST", PATH, json=body)
    assert response.status_code == 200, response.text
    callback = response.json()["response"]["result"]["callback"]
    assert freshbooks.simulator.drain()
    if verify:
        verifier = parse_qs(receiver.received[-1][2])["verifier"][0]
        put(freshbooks, callback, {"verifier": verifier})
    return callback


def put(freshbooks, callback: dict, body: dict):
    return freshbooks.call("PUT", f"{PATH}/{callback['callbackid']}", json={"callback": body})


KEY = "UWQfd9zCzxmVwFZWKqqKwLxqz8gvzGdAn"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "name=client.update&object_id=177864&user_id=1&account_id=FrEsHb",
            "uQL7Cy82JtV4RlsEowUZ+hm4cziC6LYjxuKj1cqLqHM=",
        ),
        (
            "name=invoice.create&object_id=1234567&account_id=xZNQ1X&business_id=77128&identity_id=712052&user_id=1",
            "VteSWaeXXoQXKieaHStGQK9VQe8NFau4Y30ncUjwUi0=",
        ),
        (
            "name=bill.update&object_id=1141&user_id=1&identity_id=712052&business_id=77128&account_id=xZNQ1X",
            "qyiHi81eqWfEztvq1gkIlqvWeWp/fsqjZa1doKAXqVg=",
        ),
    ],
)
def test_a_signature_is_over_the_json_of_the_fields_in_their_order(body, expected):
    assert signature(body, KEY) == expected


def test_a_new_callback_is_shaken_hands_with_at_once_and_is_not_verified(freshbooks, receiver):
    callback = subscribe(freshbooks, receiver, "invoice.create", verify=False)
    assert callback["verified"] is False
    ((path, headers, body),) = receiver.received
    assert path == "/invoice.create?key=1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Host"] == receiver.url.removeprefix("http://")
    assert "X-FreshBooks-Hmac-SHA256" not in headers
    fields = {name: values[0] for name, values in parse_qs(body).items()}
    assert fields["name"] == "callback.verify"
    assert fields["object_id"] == str(callback["callbackid"])
    assert set(fields) == {"name", "object_id", "account_id", "user_id", "system", "verifier"}


def test_each_callback_has_a_verifier_of_its_own(freshbooks, receiver):
    for event in ("bill", "invoice"):
        subscribe(freshbooks, receiver, event)
    assert len({parse_qs(body)["verifier"][0] for _, _, body in receiver.received}) == 2


def test_only_the_right_verifier_verifies(freshbooks, receiver):
    callback = subscribe(freshbooks, receiver, verify=False)
    wrong = put(freshbooks, callback, {"verifier": "guess"})
    assert (wrong.status_code, wrong.json()["errno"]) == (422, 422)
    verifier = parse_qs(receiver.received[0][2])["verifier"][0]
    right = put(freshbooks, callback, {"callback_id": callback["callbackid"], "verifier": verifier})
    assert right.json()["response"]["result"]["callback"]["verified"] is True


def test_nothing_is_delivered_before_the_callback_is_verified(freshbooks, receiver):
    subscribe(freshbooks, receiver, verify=False)
    freshbooks.bill()
    assert freshbooks.simulator.drain()
    assert receiver.events() == []


def test_the_verification_can_be_sent_again(freshbooks, receiver):
    callback = subscribe(freshbooks, receiver, verify=False)
    assert put(freshbooks, callback, {"resend": True}).status_code == 200
    assert freshbooks.simulator.drain()
    assert receiver.received[0][2] == receiver.received[1][2]


def test_our_own_writes_come_back_as_signed_events_in_pipedreams_order(freshbooks, receiver):
    subscribe(freshbooks, receiver, "bill.create")
    bill = freshbooks.bill()
    assert freshbooks.simulator.drain()
    _, headers, body = receiver.received[-1]
    assert body == (
        f"name=bill.create&object_id={bill['id']}&user_id=1&identity_id=712052&business_id=77128"
        "&account_id=xZNQ1X"
    )
    (callback,) = freshbooks.control("GET", "state")["accounts"]["xZNQ1X"]["callbacks"]
    assert headers["X-FreshBooks-Hmac-SHA256"] == signature(body, callback["verifier"])


def test_a_bare_noun_hears_every_verb_and_a_verb_only_its_own(freshbooks, receiver):
    subscribe(freshbooks, receiver, "invoice")
    subscribe(freshbooks, receiver, "invoice.delete")
    path = f"invoices/invoices/{freshbooks.invoice()['id']}"
    freshbooks.result("PUT", path, {"invoice": {"notes": "x"}})
    freshbooks.books("DELETE", path)
    assert freshbooks.control("POST", "drain") == {"drained": True}
    wanted = ["invoice.create", "invoice.delete", "invoice.delete", "invoice.update"]
    assert sorted(receiver.events()) == wanted


def test_clients_vendors_and_soft_deleted_bills_fire_too(freshbooks, receiver):
    for event in ("client", "bill_vendor", "bill.delete"):
        subscribe(freshbooks, receiver, event)
    freshbooks.client()
    bill = freshbooks.bill()
    freshbooks.result("PUT", f"bills/bills/{bill['id']}", {"bill": {"vis_state": 1}})
    assert freshbooks.simulator.drain()
    assert sorted(receiver.events()) == ["bill.delete", "bill_vendor.create", "client.create"]


def test_a_refused_or_ignored_write_fires_nothing(freshbooks, receiver):
    bill = freshbooks.bill()
    subscribe(freshbooks, receiver)
    freshbooks.control("POST", "accounts", {"account_id": "xZNQ1X", "bill_update": "ignored"})
    freshbooks.result("PUT", f"bills/bills/{bill['id']}", {"bill": {"bill_number": "x"}})
    freshbooks.books("POST", "bills/bills", {"bill": {}})
    assert freshbooks.simulator.drain()
    assert receiver.events() == []


@pytest.mark.parametrize("statuses", [[500], [302, 404], [500, 500, 500]])
def test_a_delivery_that_fails_is_tried_again(freshbooks, receiver, statuses):
    subscribe(freshbooks, receiver, "client")
    receiver.statuses = list(statuses)
    freshbooks.client()
    assert freshbooks.simulator.drain()
    assert len(receiver.events()) == len(statuses) + 1
    log = freshbooks.control("GET", "deliveries")
    assert [entry["status"] for entry in log[1:]] == [*statuses, 200]
    assert log[-1]["outcome"] == "delivered"


def test_a_delivery_that_keeps_failing_is_dropped(freshbooks, receiver):
    subscribe(freshbooks, receiver, "client")
    receiver.statuses = [500] * 9
    freshbooks.client()
    assert freshbooks.simulator.drain()
    assert [e["outcome"] for e in freshbooks.control("GET", "deliveries")[1:]] == ["failed"] * 3 + ["dropped"]


def test_a_callback_that_fails_for_long_is_switched_off_until_it_is_verified_again(freshbooks, receiver):
    freshbooks.control("POST", "settings", {"switch_off_after": 2})
    callback = subscribe(freshbooks, receiver, "client")
    verifier = parse_qs(receiver.received[0][2])["verifier"][0]
    receiver.statuses = [500] * 4 + [200] + [500] * 8
    for verified in (True, True, True, False):  # only two in a row are too many
        freshbooks.client()
        assert freshbooks.simulator.drain()
        (told,) = freshbooks.control("GET", "state")["accounts"]["xZNQ1X"]["callbacks"]
        assert told["verified"] is verified
    received = len(receiver.events())
    freshbooks.client()
    assert freshbooks.simulator.drain()
    assert len(receiver.events()) == received
    assert put(freshbooks, callback, {"resend": True}).status_code == 200
    assert put(freshbooks, callback, {"verifier": verifier}).status_code == 200
    freshbooks.client()
    assert freshbooks.simulator.drain()
    assert len(receiver.events()) == received + 1


def test_deliveries_can_be_lost_and_repeated(freshbooks, receiver):
    subscribe(freshbooks, receiver, "client")
    freshbooks.control("POST", "webhooks", {"drop_next": 1})
    freshbooks.client()
    assert freshbooks.simulator.drain()
    assert receiver.events() == []
    freshbooks.control("POST", "webhooks", {"repeat_next": 3, "count": 1})
    for _ in range(2):
        freshbooks.client()
    assert freshbooks.simulator.drain()
    assert len(receiver.events()) == 4


def test_deliveries_can_be_held_back(freshbooks, receiver):
    subscribe(freshbooks, receiver, "client")
    freshbooks.control("POST", "webhooks", {"pause": True})
    freshbooks.client()
    assert freshbooks.control("POST", "drain") == {"drained": False}
    assert receiver.events() == []
    freshbooks.control("POST", "webhooks", {"pause": False})
    assert freshbooks.control("POST", "drain") == {"drained": True}
    assert receiver.events() == ["client.create"]


def test_a_delivery_can_be_sent_by_hand(freshbooks, receiver):
    subscribe(freshbooks, receiver, "invoice")
    body = {"account_id": "xZNQ1X", "name": "invoice.update", "object_id": 7}
    assert freshbooks.control("POST", "deliver", body) == {"callbacks": 1}
    assert freshbooks.simulator.drain()
    assert receiver.events() == ["invoice.update"]


def test_nothing_is_ever_sent_to_another_machine(freshbooks):
    body = {"callback": {"event": "bill", "uri": "http://hooks.example.com/bill"}}
    assert freshbooks.call("POST", PATH, json=body).status_code == 200
    assert freshbooks.simulator.drain()
    assert [entry["outcome"] for entry in freshbooks.simulator.deliveries()] == ["not local"]


def test_callbacks_are_listed_and_deleted(freshbooks, receiver):
    callback = subscribe(freshbooks, receiver)
    listed = freshbooks.call("GET", PATH).json()["response"]["result"]
    assert (listed["total"], listed["callbacks"][0]["verified"]) == (1, True)
    assert freshbooks.call("DELETE", f"{PATH}/{callback['callbackid']}").status_code == 200
    empty = freshbooks.call("GET", PATH).json()["response"]["result"]
    assert empty == {"callbacks": [], "page": 1, "pages": 0, "per_page": 15, "total": 0}


def test_errors_have_the_shape_of_events_and_not_of_accounting(freshbooks):
    wrong = freshbooks.call("POST", PATH, json={"callback": {"event": "purchase_order", "uri": "x"}})
    assert (wrong.status_code, wrong.json()["errno"], len(wrong.json()["details"])) == (422, 422, 2)
    absent = freshbooks.call("GET", f"{PATH}/1")
    assert (absent.status_code, absent.json()["errno"]) == (404, 404)
    freshbooks.headers.clear()
    anonymous = freshbooks.call("GET", PATH)
    assert anonymous.status_code == 401
    assert anonymous.json()["message"].startswith("invalid_token:")


def test_the_log_of_deliveries_shows_no_verifier(freshbooks, receiver):
    subscribe(freshbooks, receiver)
    verifier = parse_qs(receiver.received[0][2])["verifier"][0]
    assert verifier not in str(freshbooks.control("GET", "deliveries"))
