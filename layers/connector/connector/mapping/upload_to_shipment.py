"""A shipment upload and the stored orders as an RSX Shipment (856, ASN).

The upload says what went where and when, the orders who the articles are and who gets them. An article is the order
line that the upload's line number names, else the one with that part number, alias or UPC; of one article on two
lines the first that is not yet shipped in full gets it. Quantities are told in the order's unit wherever that is a
whole number. What is beyond the order blocks the notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from connector.documents.order import Order
from connector.documents.upload import Carton, Pallet, ShipFrom, Upload, zone_of
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer
from connector.mapping.consignment import Consigned, Consignment, Parcel, Piece, shipped_lines
from connector.mapping.items import Fields
from connector.mapping.lateness import late_notice, outside_window
from connector.mapping.money import ZERO, shown
from connector.mapping.order_lines import store_quantities
from connector.mapping.parties import is_multi_store, order_parties, put_dock, put_party
from connector.mapping.rsx_shipment import compose
from connector.mapping.upload_lines import Shipped, UploadLines
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile


def upload_to_shipment(
    upload: Upload,
    *,
    orders: Mapping[str, Order],
    pack: PartnerPack,
    uploaded: datetime,
    profile: BusinessProfile | None = None,
    purpose: str = "00",
    before: Shipped | None = None,
    trace: Trace | None = None,
) -> Mapped:
    """The RSX Shipment as plain JSON values in schema order, and what a person should know.

    `orders` are the stored orders by the PO numbers that the upload uses, `before` what other shipments shipped
    of them, `uploaded` when the upload came: that is the notice's date. Never raises on what the models admit.
    """
    findings: list[Finding] = []
    explain = Explainer(trace) if trace is not None else None
    consigned = consign(upload, orders, pack, before or {}, findings)
    consignment = _consignment(upload, consigned, uploaded, findings)
    parties = _parties(upload, consigned, pack, profile, explain, findings)
    for number, order in orders.items():
        lines = {
            piece.role.order_index
            for each in consigned
            if each.po_number == number
            for piece in each.all_pieces()
            if piece.role.order_index is not None
        }
        days = (upload.ship_date, upload.delivery_date)
        findings += outside_window(order, *days, pack, upload.agreed, sorted(lines))
    if purpose == "00":
        findings += late_notice(upload.ship_date, upload.ship_time, upload.time_zone, uploaded, pack)
    if purpose == "01":  # what was wrong with it goes with it
        findings = [replace(f, severity="warning") if f.severity == "error" else f for f in findings]
    return compose(consignment, parties, pack, purpose, explain, findings)


def shipped_of_upload(upload: Upload, orders: Mapping[str, Order], pack: PartnerPack) -> Shipped:
    """What the upload ships of each order's lines, in the order's unit."""
    return shipped_lines(consign(upload, orders, pack, {}, []))


def consign(
    upload: Upload,
    orders: Mapping[str, Order],
    pack: PartnerPack,
    before: Shipped,
    findings: list[Finding],
) -> tuple[Consigned, ...]:
    """The upload's goods by order, and by store where cartons are marked for one, in the upload's sequence."""
    finding_lines = UploadLines(orders, pack, before, findings)
    parts: dict[tuple[str, str], list[Parcel]] = {}
    loose: dict[tuple[str, str], list[Piece]] = {}
    for n, pallet in enumerate(upload.pallets):
        source = f"upload.pallets[{n}]"
        held: dict[tuple[str, str], list[Parcel]] = {}
        for m, carton in enumerate(pallet.cartons):
            for key, parcel in _carton(carton, f"{source}.cartons[{m}]", finding_lines).items():
                held.setdefault(key, []).append(parcel)
        for key, cartons in held.items():
            if pack.asn.pallets == "never":
                parts.setdefault(key, []).extend(cartons)
            else:
                parts.setdefault(key, []).append(_pallet(pallet, source, tuple(cartons)))
    for n, carton in enumerate(upload.cartons):
        for key, parcel in _carton(carton, f"upload.cartons[{n}]", finding_lines).items():
            parts.setdefault(key, []).append(parcel)
    for n, content in enumerate(upload.items):
        key = (content.purchase_order, "")
        loose.setdefault(key, []).extend(finding_lines.pieces(content, f"upload.items[{n}]"))
    several = len({number for number, _ in (*parts, *loose)}) > 1
    consigned = []
    for number, store in (*parts, *loose):
        order = orders.get(number)
        consigned.append(
            Consigned(
                order,
                number,
                "upload.purchase_order",
                tuple(loose.get((number, store), ())),
                tuple(parts.get((number, store), ())),
                store=store,
                named=f"order {number}" if several else "order",
                before=before.get(order.number, {}) if order is not None else {},
                ordered=finding_lines.ordered.get(number, ()),
            )
        )
    findings += _checked(upload, consigned, pack, before)
    return tuple(consigned)


# --- parcels ----------------------------------------------------------------------------------------------


def _carton(carton: Carton, source: str, lines: UploadLines) -> dict[tuple[str, str], Parcel]:
    """The carton under each order that it holds goods of."""
    pieces: dict[tuple[str, str], list[Piece]] = {}
    for n, content in enumerate(carton.contents):
        key = (content.purchase_order, carton.store)
        pieces.setdefault(key, []).extend(lines.pieces(content, f"{source}.contents[{n}]"))
    if len(pieces) > 1:
        name = carton.sscc or carton.carton
        message = f"carton {name} holds goods of {len(pieces)} orders; many retailers refuse that"
        lines.findings.append(
            Finding(
                "carton_of_several_orders",
                "warning",
                message,
                source,
                "pack each order in cartons of its own",
            )
        )
    whole = Parcel(
        "P",
        carton.sscc,
        source,
        carton.tracking,
        carton.packaging,
        carton.weight if len(pieces) == 1 else None,
        carton.marks,
    )
    return {key: replace(whole, pieces=tuple(held)) for key, held in pieces.items()}


def _pallet(pallet: Pallet, source: str, cartons: tuple[Parcel, ...]) -> Parcel:
    medium = pallet.packaging or "PLT"
    return Parcel("T", pallet.sscc, source, "", medium, pallet.weight, parcels=cartons)


def _consignment(
    upload: Upload, consigned: tuple[Consigned, ...], uploaded: datetime, findings: list[Finding]
) -> Consignment:
    noticed = uploaded.astimezone(zone_of(upload.time_zone) or uploaded.tzinfo)
    carrier: Fields = {
        "CarrierTransMethodCode": upload.method,
        "CarrierAlphaCode": upload.scac,
        "CarrierRouting": upload.routing,
        "EquipmentDescriptionCode": "TL" if upload.trailer else "",
        "CarrierEquipmentNumber": upload.trailer,
        "SealNumbers": [{"SealNumber": seal} for seal in upload.seals],
    }
    return Consignment(
        "upload",
        upload.shipment_id,
        consigned,
        upload.ship_date,
        {
            "number": "upload.shipment_id",
            "shipped": "upload.ship_date",
            "shipped_time": "upload.ship_time",
            "noticed": "when it was uploaded",
            "delivery": "upload.delivery_date",
            "carrier": "upload.scac",
            "items": "upload.cartons" if upload.all_cartons() else "upload.items",
        },
        shipped_time=upload.ship_time,
        noticed=noticed.date(),
        noticed_time=noticed.time(),
        delivery=upload.delivery_date,
        bill_of_lading=upload.bill_of_lading,
        pro_number=upload.pro_number,
        carrier={name: value for name, value in carrier.items() if value},
        fob=upload.fob,
        weight=_weight(upload, findings),
        weight_uom=upload.weight_uom,
        cartons=len(upload.all_cartons()),
        pallets=len(upload.pallets),
    )


def _weight(upload: Upload, findings: list[Finding]) -> Decimal | None:
    """The weight as told, compared with what pallets and cartons come to; that sum where none is told."""
    parts = [carton.weight for carton in upload.cartons]
    for pallet in upload.pallets:
        own = [carton.weight for carton in pallet.cartons]
        known = None if None in own else sum((w for w in own if w is not None), ZERO)
        parts.append(pallet.weight if pallet.weight is not None else known)
        if pallet.weight is not None and known is not None and known > pallet.weight:
            name = pallet.sscc or pallet.pallet
            message = f"pallet {name} weighs {shown(pallet.weight)}, the cartons on it {shown(known)}"
            findings.append(Finding("weight_differs", "warning", message, "pallets", "correct the weights"))
    total = None if None in parts or not parts else sum((w for w in parts if w is not None), ZERO)
    if upload.weight is not None and total is not None and total != upload.weight:
        message = f"the shipment weighs {shown(upload.weight)}, its parts {shown(total)}; the former is sent"
        findings.append(Finding("weight_differs", "warning", message, "weight", "correct the weights"))
    return upload.weight if upload.weight is not None else total


# --- whom it goes to --------------------------------------------------------------------------------------


def _parties(
    upload: Upload,
    consigned: tuple[Consigned, ...],
    pack: PartnerPack,
    profile: BusinessProfile | None,
    explain: Explainer | None,
    findings: list[Finding],
) -> list[Fields]:
    """The parties that all orders have alike, ours and the pack's; orders that go elsewhere need their own notice."""
    known = {each.order.number: each for each in consigned if each.order is not None}
    first = next(iter(known.values()), None)
    if explain is not None and first is not None:
        explain.order = first.named
    parties, found = order_parties(first.order if first else None, "Shipment", explain)
    findings += found
    for other in known.values():
        theirs, _ = order_parties(other.order, "Shipment", None)
        if _ship_to(theirs) != _ship_to(parties) and first is not None:
            message = f"orders {first.po_number} and {other.po_number} go to different places"
            fix = "upload a shipment for each place; a notice has one ship-to"
            findings.append(Finding("ship_to_differs", "error", message, "purchase_order", fix))
    findings += put_dock(parties, _dock(upload.ship_from), pack, profile, explain)
    kinds = ["BT"] if first and is_multi_store(first.order) else ["BT", "ST"]
    for kind in kinds:
        layer = {f"pack.addresses.{kind}": dict(pack.addresses.get(kind, {}))}
        findings += put_party(parties, kind, layer, "Shipment", explain)
    return parties


def _ship_to(parties: list[Fields]) -> list[Fields]:
    return [party for party in parties if party.get("AddressTypeCode") == "ST"]


def _dock(dock: ShipFrom) -> Fields:
    fields = {
        "AddressName": dock.name,
        "Address1": dock.address,
        "City": dock.city,
        "State": dock.state,
        "PostalCode": dock.postal_code,
        "Country": dock.country,
    }
    if dock.location:
        fields |= {"LocationCodeQualifier": "91", "AddressLocationNumber": dock.location}
    return {name: text for name, text in fields.items() if text}


# --- checks -----------------------------------------------------------------------------------------------


def _checked(upload: Upload, consigned: list[Consigned], pack: PartnerPack, before: Shipped) -> list[Finding]:
    findings: list[Finding] = []
    shipped = shipped_lines(tuple(consigned))
    for part in {each.po_number: each for each in consigned}.values():
        if part.order is None:
            continue
        number = part.order.number
        lines = shipped[number]
        left = []
        for line in part.ordered:
            earlier = before.get(number, {}).get(line.line, ZERO)
            total = earlier + lines.get(line.line, ZERO)
            most = line.quantity * (1 + pack.tolerances.quantity / 100)
            if line.line in lines and total > most:
                so_far = f", {shown(earlier)} of them before" if earlier else ""
                what = f"{shown(total)} shipped{so_far}, {shown(line.quantity)} ordered"
                message = f"order {part.po_number} line {line.line}: {what}"
                fix = "correct the quantity, or have the retailer change the order"
                findings.append(Finding("over_shipped", "error", message, "quantity", fix))
            if total < line.quantity:
                left.append(line.line)
        if left and (part.order.Header.OrderHeader.__pydantic_extra__ or {}).get("ShipCompleteCode") == "Y":
            message = (
                f"order {part.po_number} is to be shipped complete; lines {', '.join(left[:10])} are not"
            )
            findings.append(
                Finding("not_complete", "warning", message, "purchase_order", "agree with the buyer")
            )
    findings += _stores(upload, consigned)
    return findings


def _stores(upload: Upload, consigned: list[Consigned]) -> list[Finding]:
    findings: dict[str, Finding] = {}
    for part in consigned:
        if part.order is None or not is_multi_store(part.order):
            continue
        stores = {store for line in part.ordered for store, _ in store_quantities(line.item)}
        if not stores:
            continue
        if not part.store:
            message = (
                f"order {part.po_number} is for several stores, but cartons say none; nobody can sort them"
            )
            fix = "fill the store column"
            findings[part.po_number] = Finding("store_missing", "error", message, "store", fix)
        elif part.store not in stores:
            message = f"order {part.po_number} has nothing for store {part.store}"
            fix = f"it is for {', '.join(sorted(stores)[:10])}"
            findings[part.po_number + part.store] = Finding("store_unknown", "error", message, "store", fix)
    return list(findings.values())
