"""Which order line an article of a shipment upload is, and how much of it in the order's unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from connector.documents.order import Order
from connector.documents.upload import Content
from connector.findings import Finding
from connector.mapping.consignment import Piece
from connector.mapping.lines import Role, SaleLine
from connector.mapping.money import ZERO
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.mapping.units import in_unit_of
from connector.rules.packs import PartnerPack

Shipped = Mapping[str, Mapping[str, Decimal]]
"""Order number -> line of the order (`OrderedLine.line`) -> quantity in the order's unit."""


class UploadLines:
    """Finds the order line of each article, and fills lines of one article one after the other."""

    def __init__(
        self, orders: Mapping[str, Order], pack: PartnerPack, before: Shipped, findings: list[Finding]
    ) -> None:
        self.pack = pack
        self.findings = findings
        self.ordered = {number: tuple(ordered_lines(order)) for number, order in orders.items()}
        self._names = {number: _index(lines) for number, lines in self.ordered.items()}
        self._aliases = {_fold(name): _fold(part) for name, part in pack.aliases.items()}
        self._open = {
            (number, line.position): line.quantity
            - before.get(orders[number].number, {}).get(line.line, ZERO)
            for number, lines in self.ordered.items()
            for line in lines
        }

    def pieces(self, content: Content, source: str) -> list[Piece]:
        """The pieces that a content is, in the order's unit; several where it fills more than one line."""
        number = content.purchase_order
        if number not in self.ordered:
            return [self._piece(content, source, Role("item", "no order"), content.quantity, content.uom)]
        found, rule = self._candidates(content)
        lines = [self.ordered[number][position] for position in found]
        if not lines:
            self._not_ordered(content, source)
            return []
        if len(lines) > 1 and len({(x.vendor_part, x.buyer_part, x.codes) for x in lines}) > 1:
            self._ambiguous(content, source, lines)
            return []
        quantity, unit = in_unit_of(lines[0], content.quantity, content.uom, self.pack, source, self.findings)
        pieces = []
        for n, line in enumerate(lines):
            place = (number, line.position)
            part = quantity if n == len(lines) - 1 else min(quantity, max(self._open[place], ZERO))
            if part <= 0:
                continue
            quantity -= part
            self._open[place] -= part
            pieces.append(self._piece(content, source, Role("item", rule, line.position), part, unit))
        return pieces

    def _piece(self, content: Content, source: str, role: Role, quantity: Decimal, unit: str) -> Piece:
        line = SaleLine(
            source.removeprefix("upload."), content.sku, "", quantity, ZERO, ZERO, unit=content.uom
        )
        rule = "as the shipment upload says"
        own = unit if role.order_index is not None else ""
        return Piece(line, role, source, f"{source}.quantity", rule, own, content.lot, content.expires)

    def _candidates(self, content: Content) -> tuple[list[int], str]:
        """The order lines that all given names fit, and what named them first."""
        names = self._names[content.purchase_order]
        sku = _fold(content.sku)
        given = {
            "line number": names.get(("line", content.line)) if content.line else None,
            "part number": names.get(("part", self._aliases.get(sku, sku)), names.get(("part", sku)))
            if sku
            else None,
            "UPC or GTIN": names.get(("upc", content.upc.zfill(14))) if content.upc else None,
        }
        asked = {"line number": content.line, "part number": sku, "UPC or GTIN": content.upc}
        fitting: list[int] | None = None
        first = ""
        for rule, found in given.items():
            if not asked[rule]:
                continue
            first = first or f"named by its {rule}"
            places = found or []
            fitting = places if fitting is None else [place for place in fitting if place in places]
        return fitting or [], first

    def _not_ordered(self, content: Content, source: str) -> None:
        said = ", ".join(text for text in (content.line, content.sku, content.upc) if text)
        message = f"order {content.purchase_order} has no article {said!r}"
        fix = "correct line, sku or upc in the upload, or add an alias to the partner pack"
        self.findings.append(Finding("article_not_on_order", "error", message, source, fix))

    def _ambiguous(self, content: Content, source: str, lines: list[OrderedLine]) -> None:
        places = " or ".join(line.line for line in lines[:5])
        message = f"{content.sku or content.upc!r} could be line {places} of order {content.purchase_order}"
        fix = "give the order's line number in the upload"
        self.findings.append(Finding("article_ambiguous", "error", message, source, fix))


def _index(lines: tuple[OrderedLine, ...]) -> dict[tuple[str, str], list[int]]:
    names: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        keys = {("line", line.line), ("line", line.item.OrderLine.LineSequenceNumber or "")}
        keys |= {("part", _fold(part)) for part in (line.vendor_part, line.buyer_part) if part}
        keys |= {("upc", code.strip().zfill(14)) for code in line.codes}
        for key in keys:
            names.setdefault(key, []).append(line.position)
    return names


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
