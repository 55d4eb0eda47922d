"""What viewers of the console see of payloads: shapes, codes and money, and nobody's name or address."""

from __future__ import annotations

from connector.console.redaction import HIDDEN, redacted


def test_names_and_addresses_are_hidden_and_codes_stay() -> None:
    address = {"AddressTypeCode": "ST", "AddressName": "Store 7", "Address1": "1 Main St", "Country": "USA"}
    assert redacted({"Header": {"Address": [address]}}) == {
        "Header": {
            "Address": [
                {"AddressTypeCode": "ST", "AddressName": HIDDEN, "Address1": HIDDEN, "Country": "USA"}
            ]
        }
    }


def test_a_postal_code_is_hidden_and_a_currency_is_not() -> None:
    assert redacted({"city": "Duluth", "code": "55802"}) == {"city": HIDDEN, "code": HIDDEN}
    assert redacted({"amount": "10.00", "code": "USD"}) == {"amount": "10.00", "code": "USD"}
    assert redacted({"reason": {"code": "price_differs"}}) == {"reason": {"code": "price_differs"}}


def test_of_a_comparison_the_values_of_a_personal_field_are_hidden() -> None:
    rows = [
        {"field": "Header.Address[0].Address1", "before": "1 Main St", "now": "2 Main St"},
        {"field": "Header.OrderHeader.Department", "sent": "026", "now": "027"},
        {
            "field": "Header.Contacts[0].PrimaryEmail",
            "value": "a@example.com",
            "from": ["x"],
            "rule": "copied",
        },
    ]
    assert redacted({"revisions": rows})["revisions"] == [
        {"field": "Header.Address[0].Address1", "before": HIDDEN, "now": HIDDEN},
        rows[1],
        {"field": "Header.Contacts[0].PrimaryEmail", "value": HIDDEN, "from": ["x"], "rule": "copied"},
    ]


def test_text_that_is_no_structure_is_hidden_whole() -> None:
    assert redacted({"received": "<Order>" + "x" * 300}) == {"received": HIDDEN}
