"""Whose a FreshBooks record is: the trading partner of an invoice or bill, and which bills are our own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.ledger import FINAL
from connector.usecases.arrivals import bare_number
from connector.usecases.orders import order_key

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill, Invoice
    from connector.ledger import Record
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World


def orders_meant(world: World, partners: Iterable[str], written: str) -> list[Record]:
    """The partners' stored orders of a PO number as a person wrote it; just so first, then as it was meant."""
    bare = bare_number(written)
    for number in dict.fromkeys((written, bare, bare.upper())):
        found = world.ledger.get_many([order_key(world.id, partner, number) for partner in partners])
        if found:
            return list(found.values())
    return []


def senders_of_bills(world: World) -> list[PartnerPack]:
    return [pack for pack in world.packs().values() if pack.bills.send]


def partner_of_invoice(world: World, invoice: Invoice) -> tuple[PartnerPack, Record | None] | None:
    """The trading partner an invoice is for, and the stored order that its PO number names.

    The order decides, since it says who ordered; without one, the client that a pack names.
    """
    packs = world.packs()
    by_client = [
        pack
        for pack in packs.values()
        if invoice.customerid in pack.freshbooks.client_ids
        or (invoice.current_organization or invoice.organization or "") in pack.freshbooks.client_names
    ]
    if invoice.po_number:
        orders = orders_meant(world, packs, invoice.po_number)
        matches = [
            (pack, order)
            for order in orders
            if (pack := packs[order.key.partner]) in by_client or not by_client
        ]
        if len(matches) == 1:
            return matches[0]
    if len(by_client) == 1:
        return by_client[0], None
    return None


def is_ours(world: World, bill: Bill) -> bool:
    """Whether the connector made this bill from an order: those are never echoed outward.

    A bill that is being made right now (its order claimed or in doubt) counts, since its webhook can be
    faster than our own confirmation.
    """
    if not bill.bill_number:
        return False
    keys = [order_key(world.id, partner, bill.bill_number) for partner in world.packs()]
    for order in world.ledger.get_many(keys).values():
        if order.remote_id == str(bill.id) or (not order.remote_id and order.state not in FINAL):
            return True
    return False


def partner_of_bill(world: World, bill: Bill, senders: list[PartnerPack]) -> PartnerPack | None:
    """The partner whose vendor the bill is from. FreshBooks' answer may not name the vendor: then by asking
    for each partner's bills, which needs the vendor filter to be honoured (the client checks)."""
    vendors = world.notes.read_all(world.id, "vendor")
    ids = {
        pack.freshbooks.vendor_id or vendors.get(pack.trading_partner_id, {}).get("vendorid"): pack
        for pack in senders
    }
    ids.pop(None, None)
    if bill.vendorid is not None:
        return ids.get(bill.vendorid) or _by_account(world, bill.vendorid, senders)
    if not ids:
        for vendor in world.freshbooks.list_vendors():
            for pack in senders:
                if vendor.account_number == pack.trading_partner_id:
                    ids[vendor.vendorid] = pack
    owners = [
        pack
        for vendor_id, pack in ids.items()
        if any(one.id == bill.id for one in world.freshbooks.list_bills(vendor_id=vendor_id))
    ]
    return owners[0] if len(owners) == 1 else None


def _by_account(world: World, vendor_id: int, senders: list[PartnerPack]) -> PartnerPack | None:
    accounts = {vendor.vendorid: vendor.account_number for vendor in world.freshbooks.list_vendors()}
    return next((pack for pack in senders if pack.trading_partner_id == accounts.get(vendor_id)), None)
