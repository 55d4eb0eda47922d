"""Keeps personal data from those who only look on: names, addresses, telephone numbers and e-mail in payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"
# whole elements of RSX that say who and where somebody is; codes in them stay
_PARTIES = frozenset({"Address", "Contacts", "Contact"})
_CODES = frozenset(
    {"AddressTypeCode", "LocationCodeQualifier", "AddressLocationNumber", "ContactTypeCode", "Country"}
)
# FreshBooks' fields of the same kind, wherever they are
_FIELDS_TEXT = """
    street street2 city province email fname lname organization current_organization home_phone mob_phone
    bus_phone fax p_street p_street2 p_city p_province p_code s_street s_street2 s_city s_province s_code address
    phone primary_contact_first_name primary_contact_last_name primary_contact_email postal_code
"""
_FIELDS = frozenset(_FIELDS_TEXT.split())
_VALUES = frozenset({"value", "sent", "before", "now", "after"})


def redacted(value: Any, party: bool = False) -> Any:
    """The same shape with personal values hidden. Text that is no structure is hidden whole: it may hold any.

    Of a comparison or an explanation, `{"field": path, ...}`, the values of a personal field are hidden.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("field"), str) and _is_personal(value["field"]):
            return {name: HIDDEN if name in _VALUES else inner for name, inner in value.items()}
        return {
            name: HIDDEN
            if (name in _FIELDS or (name == "code" and "city" in value))  # of a place, and not of a currency
            and inner is not None
            and not isinstance(inner, (dict, list))
            else redacted(inner, party=(party or name in _PARTIES) and name not in _CODES)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redacted(inner, party) for inner in value]
    if party and value is not None:
        return HIDDEN
    if isinstance(value, str) and len(value) > 200:
        return HIDDEN  # a file that is no JSON, an XML document, a long note
    return value


def _is_personal(path: str) -> bool:
    names = [part.partition("[")[0] for part in path.split(".")]
    party = any(name in _PARTIES for name in names) and names[-1] not in _CODES
    return party or names[-1] in _FIELDS
