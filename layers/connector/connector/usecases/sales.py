"""Where an order becomes an invoice draft or an estimate instead of a bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.freshbooks import Invoice
from connector.mapping.money import cents
from connector.usecases.orders import known_remote_id
from connector.usecases.push import Push, Receipt

if TYPE_CHECKING:
    from connector.documents.freshbooks import Sale
    from connector.usecases.world import World

_AT_CREATION = ("customerid", "status")


class SaleTarget:
    """An order becomes a draft for its partner's client; changes follow for as long as nobody has sent it.

    The draft's invoice is not sent to the trading partner; the invoice is, when a person sends it. Whatever is
    written is read back: FreshBooks drops what it does not accept, and of estimates little is proven.
    """

    settle_seconds = 60.0

    def __init__(self, world: World, sale: Sale) -> None:
        self._world = world
        self._sale = sale

    def prepare(self, push: Push) -> Push:
        known = known_remote_id(push.record)
        if push.document.get("cancel"):
            return replace(push, reference=push.record.reference, body={"delete": known})
        body = dict(push.document[self._sale])
        if "customerid" not in body:
            raise errors.NotConfigured(
                "the partner pack names no FreshBooks client to make the draft for",
                code="no_client",
                fix="set freshbooks.client_ids in the partner's pack, then replay",
            )
        if known:
            body = {name: value for name, value in body.items() if name not in _AT_CREATION}
        return replace(push, reference=body["po_number"], body={self._sale: body})

    def deliver(self, push: Push) -> Receipt:
        sales, known = self._world.freshbooks, known_remote_id(push.record)
        if not known:
            made = sales.create_sale(self._sale, push.body)
            return self._receipt(made, push.body[self._sale])
        sale_id = int(known.partition(":")[2])
        present = self._present(sale_id)
        if push.document.get("cancel"):
            if present is not None:
                self._may_change(present)
                sales.delete_sale(self._sale, sale_id)
                if self._present(sale_id) is not None:
                    raise self._ignored("it is still there")
            return Receipt(known)
        self._may_change(present)
        sales.update_sale(self._sale, sale_id, push.body)
        kept = sales.get_sale(self._sale, sale_id)
        difference = _difference(push.body[self._sale], kept)
        if difference is not None:
            raise self._ignored(difference)
        return self._receipt(kept, push.body[self._sale])

    def find(self, push: Push) -> Receipt | None:
        if known_remote_id(push.record):
            return None  # updates and deletes act on one known draft: doing them again changes nothing more
        sent = push.body[self._sale]
        found = self._world.freshbooks.find_sales(self._sale, sent["customerid"], sent["po_number"])
        if not found:
            return None
        best = next((one for one in found if _difference(sent, one) is None), found[0])
        return self._receipt(best, sent)

    def _receipt(self, kept: Invoice, sent: Mapping[str, Any]) -> Receipt:
        answer = kept.model_dump(mode="json", exclude_unset=True)
        return Receipt(f"{self._sale}:{kept.id}", answer, _difference(sent, kept))

    def _ignored(self, difference: str) -> errors.Refused:
        return errors.Refused(
            f"FreshBooks did not take the change of the {self._sale} ({difference})",
            code="change_ignored",
            fix="change it in FreshBooks by hand, then mark this document resolved",
        )

    def _present(self, sale_id: int) -> Invoice | None:
        try:
            found = self._world.freshbooks.get_sale(self._sale, sale_id)
        except errors.NotFound:
            return None
        return None if found.is_deleted else found

    def _may_change(self, present: Invoice | None) -> None:
        if present is None:
            raise errors.CheckFailed(
                f"the order changed after its {self._sale} was deleted in FreshBooks",
                code="draft_gone",
                fix="undo the deletion in FreshBooks and replay, or mark this document resolved",
            )
        if present.status is not None and not present.is_draft:
            raise errors.CheckFailed(
                f"the order changed after its {self._sale} was sent",
                code="draft_already_sent",
                fix=f"change the {self._sale} in FreshBooks by hand, then mark this document resolved",
            )


def _difference(sent: Mapping[str, Any], kept: Invoice) -> str | None:
    """What differs between a draft as sent and as FreshBooks has it; what the answer leaves out is not known."""
    if kept.po_number != sent["po_number"]:
        return "PO number"
    if kept.has_lines and len(kept.lines) != len(sent["lines"]):
        return f"{len(sent['lines'])} lines sent, {len(kept.lines)} kept"
    wanted = sum(
        (cents(Decimal(x["qty"]) * Decimal(x["unit_cost"]["amount"])) for x in sent["lines"]), Decimal()
    )
    if kept.amount is not None and kept.amount.amount != wanted:
        return f"{wanted} sent, {kept.amount.amount} kept"
    return None
