"""The addresses of an outbound document: the order's parties, then FreshBooks', then the partner pack's.

Trust goes per fact, and a postal address is one fact: a street of FreshBooks never stands beside a city of
the pack, but the pack's location number stands beside FreshBooks' name and street.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.documents.freshbooks import BillVendor, Client, Invoice
from connector.documents.order import Order
from connector.documents.parts import Party
from connector.findings import Finding
from connector.mapping.carry import Explainer, carry, carry_all
from connector.mapping.shapes import Document
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

Fields = dict[str, Any]

_POSTAL = ("Address1", "Address2", "Address3", "Address4", "City", "State", "PostalCode", "Country")

_LOCATION = ("LocationCodeQualifier", "AddressLocationNumber")

# FreshBooks spells countries and provinces out; X12 has two letters for a province, three for a country.
_COUNTRIES = {
    "united states": "USA",
    "united states of america": "USA",
    "usa": "USA",
    "us": "USA",
    "canada": "CAN",
    "ca": "CAN",
    "mexico": "MEX",
    "united kingdom": "GBR",
    "australia": "AUS",
}
_PROVINCE_LINES = """
alabama AL, alaska AK, arizona AZ, arkansas AR, california CA, colorado CO, connecticut CT, delaware DE,
district of columbia DC, florida FL, georgia GA, hawaii HI, idaho ID, illinois IL, indiana IN, iowa IA,
kansas KS, kentucky KY, louisiana LA, maine ME, maryland MD, massachusetts MA, michigan MI, minnesota MN,
mississippi MS, missouri MO, montana MT, nebraska NE, nevada NV, new hampshire NH, new jersey NJ,
new mexico NM, new york NY, north carolina NC, north dakota ND, ohio OH, oklahoma OK, oregon OR,
pennsylvania PA, puerto rico PR, rhode island RI, south carolina SC, south dakota SD, tennessee TN,
texas TX, utah UT, vermont VT, virginia VA, washington WA, west virginia WV, wisconsin WI, wyoming WY,
alberta AB, british columbia BC, manitoba MB, new brunswick NB, newfoundland and labrador NL,
nova scotia NS, northwest territories NT, nunavut NU, ontario ON, prince edward island PE, quebec QC,
québec QC, saskatchewan SK, yukon YT
"""
_PROVINCES: dict[str, str] = {}
for _entry in _PROVINCE_LINES.split(","):
    _name, _, _code = _entry.strip().rpartition(" ")
    _PROVINCES[_name] = _code


def order_parties(
    order: Order | None, document: Document, explain: Explainer | None
) -> tuple[list[Fields], list[Finding]]:
    """Every party of the order's header as `document` may hold it, in the order's sequence."""
    if order is None:
        return [], []
    place = "Header.Address"
    return carry_all(order.Header.Address, Party, document=document, place=place, explain=explain, to=place)


def put_party(
    parties: list[Fields],
    kind: str,
    layers: Mapping[str, Fields],
    document: Document,
    explain: Explainer | None,
) -> list[Finding]:
    """Adds the party `kind` where it is not there yet, made of `layers` (source -> elements), best first.

    Nothing is added where no layer has a name, a location or a street.
    """
    if any(party.get("AddressTypeCode") == kind for party in parties):
        return []
    merged: Fields = {}
    used = []
    for source, fields in layers.items():
        block = _POSTAL if any(name in merged for name in _POSTAL) else ()
        fresh = {name: v for name, v in fields.items() if v and name not in merged and name not in block}
        if fresh:
            merged |= fresh
            used.append(source)
    merged["AddressTypeCode"] = kind
    party, findings = carry(merged, Party, document=document, place=f"pack.addresses.{kind}")
    if party.keys() & {"AddressName", "AddressLocationNumber", "Address1"}:
        parties.append(party)
        if explain is not None:
            explain.mark(f"Header.Address[{len(parties) - 1}]", "address not on the order", *used)
    return findings


def remit_to(
    parties: list[Fields],
    pack: PartnerPack,
    profile: BusinessProfile | None,
    document: Document,
    explain: Explainer | None,
) -> list[Finding]:
    """Puts whom to pay: the pack's RI (how this retailer knows us), then the profile, then the order's."""
    layers = {
        "pack.addresses.RI": dict(pack.addresses.get("RI", {})),
        "profile": profile.party() if profile else {},
    }
    ours: list[Fields] = []
    findings = put_party(ours, "RI", layers, document, None)
    if not ours:
        return findings
    at = next((i for i, party in enumerate(parties) if party.get("AddressTypeCode") == "RI"), len(parties))
    parties[at : at + 1] = ours
    if explain is not None:
        explain.mark(
            f"Header.Address[{at}]", "remit-to is ours", *(s for s, fields in layers.items() if fields)
        )
    return findings


def put_dock(
    parties: list[Fields],
    told: Fields,
    pack: PartnerPack,
    profile: BusinessProfile | None,
    explain: Explainer | None,
) -> list[Finding]:
    """Where the goods left (SF): as told, else the pack's, else the business itself, which is paid elsewhere."""
    ours = profile.party() if profile is not None else {}
    dock = {name: text for name, text in ours.items() if name not in _LOCATION}
    layers = {
        "upload.ship_from": told,
        "pack.addresses.SF": dict(pack.addresses.get("SF", {})),
        "profile": dock,
    }
    return put_party(parties, "SF", layers, "Shipment", explain)


def invoice_address(invoice: Invoice) -> Fields:
    """The billing address that FreshBooks copied from its client into the invoice."""
    name = invoice.organization or invoice.current_organization or f"{invoice.fname} {invoice.lname}"
    return _fields(
        name,
        invoice.street,
        invoice.street2,
        invoice.city,
        invoice.province,
        invoice.code,
        invoice.country,
    )


def client_billing(client: Client) -> Fields:
    name = client.organization or f"{client.fname} {client.lname}"
    return _fields(
        name,
        client.p_street,
        client.p_street2,
        client.p_city,
        client.p_province,
        client.p_code,
        client.p_country,
    )


def client_shipping(client: Client) -> Fields:
    """The client's secondary address; nothing where it has none, for a billing address is no dock."""
    if not client.s_street.strip():
        return {}
    name = client.organization or f"{client.fname} {client.lname}"
    return _fields(
        name,
        client.s_street,
        client.s_street2,
        client.s_city,
        client.s_province,
        client.s_code,
        client.s_country,
    )


def vendor_address(vendor: BillVendor) -> Fields:
    return _fields(
        vendor.vendor_name,
        vendor.street,
        vendor.street2,
        vendor.city,
        vendor.province,
        vendor.postal_code,
        vendor.country,
    )


def is_multi_store(order: Order | None) -> bool:
    """Whether the order ships to several places, named on its lines instead of its header."""
    return order is not None and any(
        line.Address or any(schedule.LocationQuantity for schedule in line.QuantitiesSchedulesLocations)
        for line in order.LineItem
    )


def _fields(
    name: str, street: str, street2: str, city: str, province: str, code: str, country: str
) -> Fields:
    province, country = province.strip(), country.strip()
    fields = {
        "AddressName": name.strip(),
        "Address1": street.strip(),
        "Address2": street2.strip(),
        "City": city.strip(),
        "State": _PROVINCES.get(province.casefold(), province),
        "PostalCode": code.strip(),
        "Country": _COUNTRIES.get(country.casefold(), country),
    }
    return {element: text for element, text in fields.items() if text}
