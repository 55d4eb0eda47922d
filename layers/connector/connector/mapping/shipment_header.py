"""The header of an RSX Shipment: who, when, by whom carried, how many; and what is missing for a notice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connector.documents import shipment
from connector.documents.parts import Carrier, plain_number
from connector.findings import Finding
from connector.mapping.carry import Explainer, carry
from connector.mapping.consignment import (
    Consigned,
    Consignment,
    shipped_lines,
)
from connector.mapping.items import Fields
from connector.mapping.rsx_invoice import carrier_of
from connector.mapping.shapes import names
from connector.rules.packs import PartnerPack

ECHOED_GROUPS = names("References FOBRelatedInstruction CarrierInformation")
_STRUCTURE_CODES = {"pick_and_pack": "0001", "items": "0004"}
_COMPLETE, _PARTIAL = "CL", "PR"  # StatusCode of the carrier


class HeaderWriting:
    """A notice being written: everything above its order levels, and what its levels count up."""

    def __init__(
        self, consignment: Consignment, pack: PartnerPack, explain: Explainer | None, findings: list[Finding]
    ) -> None:
        self.consignment = consignment
        self.pack = pack
        self.explain = explain
        self.findings = findings
        self.items = 0
        self.totals = shipped_lines(consignment.orders)
        self.partial = False
        self.units: dict[str, Decimal] = {}
        packed = any(consigned.parcels for consigned in consignment.orders)
        self.structure = pack.asn.structure if packed else "items"
        self._common: Fields | None = None

    def header(self, purpose: str) -> Fields:
        told, to = self.consignment, "Header.ShipmentHeader"
        if self.explain is not None:
            self.explain.order = told.orders[0].named if told.orders else "order"
        first = next((each.order for each in told.orders if each.order is not None), None)
        partner = first.Header.OrderHeader.TradingPartnerId if first is not None else ""
        code = self.pack.asn.structure_code or _STRUCTURE_CODES.get(self.structure, "")
        fields = {
            "TradingPartnerId": partner or self.pack.trading_partner_id,
            "ShipmentIdentification": told.number,
            "ShipDate": told.shipped.isoformat() if told.shipped is not None else "",
            "ShipmentTime": told.shipped_time.isoformat("seconds") if told.shipped_time is not None else "",
            "TsetPurposeCode": purpose,
            "ShipNoticeDate": told.noticed.isoformat() if told.noticed is not None else "",
            "ShipNoticeTime": told.noticed_time.isoformat("seconds") if told.noticed_time is not None else "",
            "ASNStructureCode": code,
            "BillOfLadingNumber": told.bill_of_lading,
            "CarrierProNumber": told.pro_number,
            "CurrentScheduledDeliveryDate": told.delivery.isoformat() if told.delivery is not None else "",
        }
        if self.explain is not None:
            for name, source in (
                ("ShipmentIdentification", "number"),
                ("ShipDate", "shipped"),
                ("ShipmentTime", "shipped_time"),
                ("ShipNoticeDate", "noticed"),
                ("ShipNoticeTime", "noticed"),
                ("BillOfLadingNumber", "bill_of_lading"),
                ("CarrierProNumber", "pro_number"),
                ("CurrentScheduledDeliveryDate", "delivery"),
            ):
                self.explain.mark(f"{to}.{name}", f"as the {told.source} says", told.path(source))
            self.explain.mark(f"{to}.TsetPurposeCode", "why it is sent")
            chosen = "structure_code" if self.pack.asn.structure_code else "structure"
            self.explain.mark(f"{to}.ASNStructureCode", "layout of the partner pack", f"pack.asn.{chosen}")
            source = "order.Header.OrderHeader.TradingPartnerId" if partner else "pack.trading_partner_id"
            rule = "as on the order" if partner else "partner pack"
            self.explain.mark(f"{to}.TradingPartnerId", rule, source)
        return {name: text for name, text in fields.items() if text}

    def header_groups(self) -> Fields:
        told, groups = self.consignment, dict(self.common())
        if told.fob:
            groups["FOBRelatedInstruction"] = [{"FOBPayCode": told.fob}]
            self._mark("Header.FOBRelatedInstruction", "fob")
        self._carrier(groups)
        dates = [{"DateTimeQualifier": q, "Date": day.isoformat()} for q, day in self._dates()]
        if dates:
            groups["Dates"] = dates
            for index, name in enumerate(["shipped", "delivery"][: len(dates)]):
                self._mark(f"Header.Dates[{index}]", name)
        lading = self._lading(told.cartons, told.pallets, told.weight)
        if lading:
            groups["QuantityAndWeight"] = lading
            self._mark("Header.QuantityAndWeight", "weight", "counted; the weight as told, or added up")
        if len(self.units) == 1 and "" not in self.units:
            [(unit, quantity)] = self.units.items()
            total = {
                "QuantityTotalsQualifier": "SQT",
                "Quantity": plain_number(quantity),
                "QuantityUOM": unit,
            }
            groups["QuantityTotals"] = [total]
            self._mark("Header.QuantityTotals", "items", "sum of the items, which have one unit")
        return groups

    def _dates(self) -> list[tuple[str, date]]:
        told = self.consignment
        days = (("011", told.shipped), ("017", told.delivery))
        return [(qualifier, day) for qualifier, day in days if day is not None]

    def _carrier(self, groups: Fields) -> None:
        """The consignment's carrier, else the order's, else the pack's; a trailer and seals are added to any."""
        given = self.consignment.carrier or {}
        told, found = carry(given, Carrier, document="Shipment", place=self.consignment.source)
        self.findings += found
        carriers = groups.get("CarrierInformation", [])
        to = "Header.CarrierInformation[0]"
        if told.keys() & {"CarrierAlphaCode", "CarrierRouting"}:
            carriers = [told]
            self._mark(to, "carrier")
        else:
            if not carriers and (default := carrier_of(self.pack, self.findings)):
                carriers = [default]
                if self.explain is not None:
                    self.explain.mark(to, "carrier not on the order", "pack.carrier")
            if carriers and told:
                carriers = [carriers[0] | told, *carriers[1:]]
                for name in told:
                    self._mark(f"{to}.{name}", "carrier")
        if carriers:
            status = _PARTIAL if self.partial else _COMPLETE
            groups["CarrierInformation"] = [{**carriers[0], "StatusCode": status}, *carriers[1:]]
            self._mark(f"{to}.StatusCode", "items", "whether something is left to ship")

    def common(self) -> Fields:
        """What the shipment repeats of its orders: the first's carrier and terms, references that all have."""
        orders = [consigned for consigned in self.consignment.orders if consigned.order is not None]
        if self._common is None:
            groups = [self._echoed(consigned, "Header", None) for consigned in orders]
            alike = all(other.get("References") == groups[0].get("References") for other in groups)
            only = ECHOED_GROUPS if alike else ECHOED_GROUPS - {"References"}
            self._common = self._echoed(orders[0], "Header", self.explain, only) if orders else {}
        return self._common

    def _echoed(
        self,
        consigned: Consigned,
        to: str,
        explain: Explainer | None,
        only: frozenset[str] = ECHOED_GROUPS,
    ) -> Fields:
        if consigned.order is None:
            return {}
        if explain is not None:
            explain.order = consigned.named
        groups, found = carry(
            consigned.order.Header,
            shipment.ShipmentHeaderGroup,
            document="Shipment",
            place="Header",
            only=only,
            explain=explain,
            to=to,
        )
        if to == "Header":
            self.findings += found
        return groups

    def _lading(self, cartons: int, pallets: int, weight: Decimal | None) -> list[Fields]:
        """How many of what: one entry for cartons (with the weight), one for pallets."""
        entries: list[Fields] = []
        if cartons or weight is not None:
            entries.append({"PackingMedium": "CTN"} | ({"LadingQuantity": cartons} if cartons else {}))
        if weight is not None:
            entries[0] |= {
                "WeightQualifier": "G",
                "Weight": plain_number(weight),
                "WeightUOM": self.consignment.weight_uom,
            }
        if pallets:
            entries.append({"PackingMedium": "PLT", "LadingQuantity": pallets})
        return entries

    def missing(self, parties: list[Fields], groups: Fields) -> None:
        told = self.consignment
        kinds = {party.get("AddressTypeCode") for party in parties}
        carriers = groups.get("CarrierInformation", [])
        named = any(carrier.keys() & {"CarrierAlphaCode", "CarrierRouting"} for carrier in carriers)
        placed = "ST" in kinds or any(consigned.store for consigned in told.orders)
        cartons = [
            carton for consigned in told.orders for top in consigned.parcels for carton in (top, *top.parcels)
        ]
        nameless = sum(not carton.sscc for carton in cartons) if self.structure != "items" else 0
        unnamed = (
            f"{nameless} carton{'s'[: nameless != 1]} (in the upload, or made by asn.gs1_prefix of the pack)"
        )
        pallets = self.pack.asn.pallets == "required" and not told.pallets
        day = "the ship date" + (" (the invoice's fulfillment date)" if told.source == "invoice" else "")
        needed = {
            "the stored order": all(consigned.order is not None for consigned in told.orders),
            day: told.shipped is not None,
            "the carrier (carrier.scac or carrier.routing in the partner pack)": named,
            "where the goods leave (addresses.SF in the partner pack, or the business profile)": "SF"
            in kinds,
            "where the goods go (ST on the order, or addresses.ST in the partner pack)": placed,
            "a line with a quantity": self.items > 0,
            f"the SSCC of {unnamed}": not nameless,
            "pallets, which this partner asks for": not pallets,
        }
        missing = [words for words, there in needed.items() if not there]
        if missing:
            message = f"no shipment notice can be made; missing: {'; '.join(missing)}"
            fix = "add what is missing" + (
                ", or switch invoices.asn off in the partner pack" if told.source == "invoice" else ""
            )
            self.findings.append(Finding("asn_data_missing", "error", message, "", fix))

    def _mark(self, path: str, name: str, rule: str = "") -> None:
        rule = rule or f"as the {self.consignment.source} says"
        self._source(path, self.consignment.path(name), rule)

    def _source(self, path: str, source: str, rule: str = "as the shipment upload says") -> None:
        if self.explain is not None:
            self.explain.mark(path, rule, source)
