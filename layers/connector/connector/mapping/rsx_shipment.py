"""An RSX Shipment (856, ASN) made of a consignment: what was shipped, in which cartons, for which orders.

A consignment comes of a shipment upload or of an invoice; the stored orders add what the retailer matches by. The
pack decides the layout:

    pick_and_pack   order -> (pallet ->) carton -> item     0001
    standard        order -> item -> (pallet ->) carton     no code of its own in RSX: only where the pack names one
    items           order -> item                           0004

A pallet or carton that holds goods of several orders is named under each of them, as is an order's level for each
store that its cartons are marked for. Totals are counted from what is written, never taken over.
"""

from __future__ import annotations

from connector.documents import shipment
from connector.documents.gs1 import APPLICATION_IDENTIFIER
from connector.documents.parts import plain_number
from connector.findings import Finding, Mapped
from connector.mapping.carry import Explainer, carry, once
from connector.mapping.conform import conform, in_schema_order
from connector.mapping.consignment import (
    Consigned,
    Consignment,
    Parcel,
    Piece,
    merged,
    only_with,
)
from connector.mapping.items import Fields, line_item, put_quantity
from connector.mapping.money import ZERO
from connector.mapping.shapes import names
from connector.mapping.shipment_header import HeaderWriting
from connector.rules.packs import PartnerPack

_ORDER_FIELDS = names("""
    PurchaseOrderNumber ReleaseNumber PurchaseOrderDate Department DepartmentDescription Vendor JobNumber
    Division CustomerAccountNumber CustomerOrderNumber
""")
_SHIPPED, _BACKORDERED = "AC", "BP"  # ItemStatusCode


def compose(
    consignment: Consignment,
    parties: list[Fields],
    pack: PartnerPack,
    purpose: str,
    explain: Explainer | None,
    findings: list[Finding],
) -> Mapped:
    """The RSX Shipment as plain JSON values in schema order; `parties` are its header's."""
    orders = consignment.orders
    writing = _Writing(consignment, pack, explain, findings)
    levels = [writing.order_level(index, consigned) for index, consigned in enumerate(orders)]
    groups = writing.header_groups()
    header = writing.header(purpose)
    writing.missing(parties, groups)
    document = in_schema_order(
        {
            "Header": {"ShipmentHeader": header, "Address": parties} | groups,
            "OrderLevel": levels,
            "Summary": {"TotalOrders": len(levels), "TotalLineItemNumber": writing.items},
        },
        "Shipment",
    )
    if explain is not None:
        explain.mark("Summary", "counted")
        explain.finish(document)
    return Mapped(document, once(findings + conform(document, "Shipment")))


class _Writing(HeaderWriting):
    """A notice being written, level by level."""

    def order_level(self, index: int, consigned: Consigned) -> Fields:
        to = f"OrderLevel[{index}]"
        self.common()
        if self.explain is not None:
            self.explain.order = consigned.named
        level: Fields = {}
        if fields := self._order_fields(consigned, f"{to}.OrderHeader"):
            level["OrderHeader"] = fields
        if "References" not in self.common():
            level |= self._echoed(consigned, to, self.explain, frozenset({"References"}))
        if consigned.store:
            store = {
                "AddressTypeCode": "Z7",
                "LocationCodeQualifier": "92",
                "AddressLocationNumber": consigned.store,
            }
            level["Address"] = [store]
            if self.explain is not None:
                self.explain.mark(
                    f"{to}.Address", "the store that its cartons are marked for", "upload.cartons"
                )
        if len(self.consignment.orders) > 1 and consigned.parcels:
            cartons = [parcel for top in consigned.parcels for parcel in top.parcels or (top,)]
            weights = [carton.weight for carton in cartons]
            known = sum((w for w in weights if w is not None), ZERO) if None not in weights else None
            level["QuantityAndWeight"] = self._lading(len(cartons), 0, known)
            self._mark(f"{to}.QuantityAndWeight", "cartons", "cartons counted, their weights added up")
        if self.structure == "pick_and_pack":
            level["PackLevel"] = self._parcels(consigned, consigned.parcels, to)
        elif self.structure == "standard":
            level["ItemLevel"] = self._items_with_cartons(consigned, to)
        else:
            pieces = merged(consigned.all_pieces()) if consigned.parcels else consigned.pieces
            level["ItemLevel"] = self._items(consigned, pieces, to)
        return level

    def _order_fields(self, consigned: Consigned, to: str) -> Fields:
        fields: Fields = {"PurchaseOrderNumber": consigned.po_number} if consigned.po_number else {}
        if self.explain is not None:
            self.explain.mark(f"{to}.PurchaseOrderNumber", "no order: as told", consigned.po_source)
        if consigned.order is not None:
            echoed, found = carry(
                consigned.order.Header.OrderHeader,
                shipment.OrderFields,
                document="Shipment",
                place="Header.OrderHeader",
                only=_ORDER_FIELDS,
                explain=self.explain,
                to=to,
            )
            if self.explain is not None and "PurchaseOrderNumber" in echoed:
                source = "order.Header.OrderHeader.PurchaseOrderNumber"
                self.explain.mark(f"{to}.PurchaseOrderNumber", "as on the order", source)
            fields |= echoed
            self.findings += found
        defaults, found = carry(
            self.pack.header,
            shipment.OrderFields,
            document="Shipment",
            place="pack.header",
            only=_ORDER_FIELDS,
        )
        self.findings += found
        for name, text in defaults.items():
            if name not in fields and name != "PurchaseOrderNumber":
                fields[name] = text
                if self.explain is not None:
                    self.explain.mark(f"{to}.{name}", "default of the partner pack", f"pack.header.{name}")
        return fields

    def _parcels(self, consigned: Consigned, parcels: tuple[Parcel, ...], above: str) -> list[Fields]:
        levels = []
        for index, parcel in enumerate(parcels):
            to = f"{above}.PackLevel[{index}]"
            level = self._parcel(parcel, to)
            if parcel.parcels:
                level["PackLevel"] = self._parcels(consigned, parcel.parcels, to)
            else:
                level["ItemLevel"] = self._items(consigned, parcel.pieces, to)
            levels.append(level)
        return levels

    def _parcel(self, parcel: Parcel, to: str, holds: Piece | None = None) -> Fields:
        fields: Fields = {"PackLevelType": parcel.kind}
        if parcel.sscc:
            fields["ShippingSerialID"] = APPLICATION_IDENTIFIER + parcel.sscc
        if parcel.tracking:
            fields["CarrierPackageID"] = parcel.tracking
        level: Fields = {"Pack": fields}
        detail: Fields = {"PackQualifier": "OU", "PackValue": 1}
        if holds is not None:
            detail["PackSize"] = plain_number(holds.line.quantity)
            detail |= {"PackUOM": unit} if (unit := holds.unit or holds.line.unit) else {}
        if parcel.medium:
            detail["PackingMedium"] = parcel.medium
        if parcel.weight is not None:
            detail |= {
                "WeightQualifier": "G",
                "PackWeight": plain_number(parcel.weight),
                "PackWeightUOM": self.consignment.weight_uom,
            }
        if len(detail) > 2:
            level["PhysicalDetails"] = [detail]
        if parcel.marks:
            marks = {"MarksAndNumbersQualifier1": "CA", "MarksAndNumbers1": parcel.marks}
            level["MarksAndNumbersCollection"] = [marks]
        if self.explain is not None:
            self.explain.mark(to, "as the shipment upload says", parcel.source)
            self.explain.mark(
                f"{to}.Pack.ShippingSerialID", "its SSCC, given or made", f"{parcel.source}.sscc"
            )
        return level

    def _items(self, consigned: Consigned, pieces: tuple[Piece, ...], above: str) -> list[Fields]:
        return [
            self._item(consigned, piece, f"{above}.ItemLevel[{index}]") for index, piece in enumerate(pieces)
        ]

    def _items_with_cartons(self, consigned: Consigned, above: str) -> list[Fields]:
        """Each article once, under it the cartons of it; a carton that holds two articles cannot be told so."""
        levels = []
        for parcel in consigned.parcels:
            for carton in parcel.parcels or (parcel,):
                if len({piece.role.order_index for piece in carton.pieces}) > 1:
                    name = carton.sscc or carton.source
                    message = f"carton {name} holds several articles, but each carton goes under its article"
                    fix = "pack one article to a carton, or set asn.structure to pick_and_pack in the partner pack"
                    self.findings.append(Finding("carton_mixed", "error", message, carton.source, fix))
        inside = [{piece.role.order_index for piece in parcel.all_pieces()} for parcel in consigned.parcels]
        for index, piece in enumerate(merged(consigned.all_pieces())):
            to = f"{above}.ItemLevel[{index}]"
            item = self._item(consigned, piece, to)
            packs: list[Fields] = []
            for parcel, articles in zip(consigned.parcels, inside, strict=True):
                held = only_with(parcel, piece) if piece.role.order_index in articles else None
                if held is None:
                    continue
                at = f"{to}.PackLevel[{len(packs)}]"
                level = self._parcel(held, at, None if held.parcels else held.pieces[0])
                if held.parcels:
                    level["PackLevel"] = [
                        self._parcel(carton, f"{at}.PackLevel[{n}]", carton.pieces[0])
                        for n, carton in enumerate(held.parcels)
                    ]
                packs.append(level)
            levels.append(item | {"PackLevel": packs})
        return levels

    def _item(self, consigned: Consigned, piece: Piece, to: str) -> Fields:
        self.items += 1
        line, role, order = piece.line, piece.role, consigned.order
        item, found = line_item(line, role, order, "Shipment", self.pack, self.explain, to, piece.source)
        self.findings += found
        fields, inner = item["ShipmentLine"], f"{to}.ShipmentLine"
        put_quantity(fields, "ShipQty", line, role, self.explain, inner)
        if piece.unit:
            fields["ShipQtyUOM"] = piece.unit
            if self.explain is not None:
                self.explain.mark(
                    f"{inner}.ShipQtyUOM", "as told: no whole number of the order's unit", piece.source
                )
        elif line.unit and "ShipQtyUOM" not in fields:
            fields["ShipQtyUOM"] = line.unit
            self._source(f"{inner}.ShipQtyUOM", piece.source, "the order names no unit: as told")
        unit = fields.get("ShipQtyUOM", "")
        self.units[unit] = self.units.get(unit, ZERO) + line.quantity
        fields["ItemStatusCode"] = _SHIPPED
        if self.explain is not None:
            self.explain.mark(f"{inner}.ShipQty", piece.rule, piece.quantity_source)
            self.explain.mark(
                f"{inner}.ItemStatusCode", "shipped; the rest, if any, follows", piece.quantity_source
            )
        if order is not None and role.order_index is not None:
            self._left(fields, consigned, role.order_index, inner)
        if piece.lot:
            item["References"] = [
                *item.get("References", []),
                {"ReferenceQual": "LT", "ReferenceID": piece.lot},
            ]
            self._source(f"{to}.References[{len(item['References']) - 1}]", f"{piece.source}.lot")
        if piece.expires is not None:
            item["Dates"] = [{"DateTimeQualifier": "511", "Date": piece.expires.isoformat()}]
            self._source(f"{to}.Dates", f"{piece.source}.expires")
        return item

    def _left(self, fields: Fields, consigned: Consigned, index: int, to: str) -> None:
        """What is left of the order line after this and all other shipments."""
        ordered = consigned.ordered[index]
        shipped = self.totals[consigned.number].get(ordered.line, ZERO)
        left = ordered.quantity - shipped - consigned.before.get(ordered.line, ZERO)
        if left <= 0:
            return
        self.partial = True
        if self.pack.asn.partial == "complete":
            return
        fields["ItemStatusCode"] = _BACKORDERED
        fields["QtyLeftToReceive"] = plain_number(left)
        if self.explain is not None:
            path = f"order.LineItem[{index}].OrderLine.OrderQty"
            self.explain.mark(f"{to}.QtyLeftToReceive", "ordered, less all that was shipped", path)
