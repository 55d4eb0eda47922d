# ruff: noqa: E501 - a table: one row an error
"""Every way in which work stops, explained: what it means, why it happens, what to do, and whether it ends alone.

Keyed by the `code` of an error of `errors.py`. Logs carry the code; the command line, the console and
`docs/errors.md` show the entry. A test keeps the catalogue complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector import errors


@dataclass(frozen=True, slots=True)
class Entry:
    """`retries`: the connector tries again, or goes on by itself, without anybody doing anything."""

    meaning: str
    cause: str
    fix: str
    retries: bool


_ALONE = "nothing: it is tried again by itself"
_WINDOW = "ask the buyer for new dates, and say in the upload (agreed) who agreed"

CATALOGUE: dict[str, Entry] = {
    # tried again by themselves
    "not_sent": Entry("the request was not sent", "the vendor could not be reached", _ALONE, True),
    "throttled": Entry("the vendor asks us to slow down", "too many requests in a minute", _ALONE, True),
    "unreachable": Entry(
        "the vendor cannot be reached", "an outage, DNS, TLS or a wrong address",
        "nothing if it passes; if it lasts, `connector ping` says which step fails", True,
    ),
    "unauthenticated": Entry(
        "the vendor refuses our token", "it was revoked, or the credentials changed",
        "nothing if it passes; if it lasts, `connector authorize` (FreshBooks) or `connector connections add` (SPS)", True,
    ),
    "busy": Entry("another worker has the document or the lease", "two messages for one document", _ALONE, True),
    "circuit_open": Entry("the vendor is left alone for a while", "many requests in a row failed", _ALONE, True),
    "earlier_revision_in_flight": Entry("an earlier revision is on its way", "a document changed while it was being sent", _ALONE, True),
    "record_moved": Entry("another worker was first", "two messages for one document", _ALONE, True),
    "record_gone": Entry("the record is not in the table", "somebody deleted it", _ALONE, True),
    "fence_lost": Entry("another worker took the document over", "this one was too slow", _ALONE, True),
    "settling": Entry("the vendor is asked a second time soon", "a reply was lost", _ALONE, True),
    "sent_otherwise": Entry("what may have been sent is looked for where it went", "a reply was lost, and the pack was changed since", "nothing; if it stays, set the pack back until it is found", True),
    "bill_busy": Entry("the bill is being changed", "an order and its shipments change it at once", _ALONE, True),
    "vendor_busy": Entry("the FreshBooks vendor is being set up", "several first orders of one partner", _ALONE, True),
    "outcome_unknown": Entry(
        "the vendor may have taken the document", "a reply was lost or could not be read",
        "nothing: the vendor is asked before anything is sent again", True,
    ),
    "shipment_busy": Entry("the shipment is being taken in", "it was uploaded twice at once", _ALONE, True),
    # go on by themselves when something arrives
    "waiting": Entry("the document waits for another one", "it came first", "nothing if the other one is on its way", True),
    "partner_not_set_up": Entry(
        "nobody has set this trading partner up", "its first document came before its pack",
        "`connector partners import`; what waits then goes on by itself", True,
    ),
    "order_not_there": Entry(
        "the order that the document names has no bill yet", "it came before its order, or names a wrong PO number",
        "check the PO number; if the order is on its way, nothing", True,
    ),
    "credit_first": Entry(
        "the new invoice waits until the credit over the old one is delivered",
        "an invoice changed after it was sent, and this partner is sent a credit and a new invoice",
        "nothing, unless the credit itself is parked: then see its reason", True,
    ),
    "pieces_not_free": Entry(
        "the invoice is for pieces that come free when another document is at the partner",
        "a credit, or an invoice that was lowered after it was sent, is still on its way or parked",
        "nothing, unless that document is parked: then see its reason", True,
    ),
    "notice_first": Entry(
        "the invoice waits for the notice of its shipment", "the partner wants the ASN before the invoice",
        "upload the shipment; if its notice is held, correct that", True,
    ),
    # need a person
    "parked": Entry("the document is parked", "see its reason", "see its reason", False),
    "bad_input": Entry("the document cannot be read", "it is damaged, or of another kind", "ask the sender for a correct one", False),
    "not_configured": Entry("a setting is missing", "the connection or partner is not fully set up", "set it, then replay", False),
    "check_failed": Entry("a check before sending says no", "see the findings", "correct the document, then replay", False),
    "no_category": Entry("no expense category is named", "neither the pack nor the connection names one", "set freshbooks.category in the pack; what waits then goes on by itself", True),
    "no_such_category": Entry("FreshBooks has no such category", "it was renamed, or misspelt", "name an existing one in the pack, or make it in FreshBooks; what waits then goes on by itself", True),
    "vendor_unknown": Entry("nothing says which vendor a bill is from", "FreshBooks' answer does not name it", "send the bill by hand, or write its partner's PO number on it", False),
    "no_purchase_order": Entry("the shipment names no purchase order", "the sender left it out", "ask the sender", False),
    "kind_not_mapped": Entry("this kind of document is not mapped automatically", "it needs a decision", "carry it out in FreshBooks by hand", False),
    "stored_order_unreadable": Entry("the archived order can no longer be read", "the archive was changed", "have the order sent again", False),
    "order_gone": Entry("the order's record is gone", "the table was changed", "have the order sent again", False),
    "payload_gone": Entry("the payload is no longer in the archive", "its retention is over", "have the document sent again", False),
    "kept_differently": Entry("the vendor keeps other values than were sent", "FreshBooks drops what it does not accept", "compare the two in FreshBooks and correct it there", False),
    "change_ignored": Entry("FreshBooks did not take a change of a bill", "it ignores some updates silently", "change the bill by hand", False),
    "bill_already_paid": Entry("the order changed after its bill was paid", "a late change", "settle the difference in FreshBooks", False),
    "order_already_invoiced": Entry("the order changes after it was invoiced", "a late change, replacement or cancellation", "correct the invoice or agree with the partner; then `connector replay --force --reason`, or mark it resolved", False),
    "change_held": Entry("a change of an order is held for a person", "the pack says orders.changes = \"hold\"", "look at the line diff; `connector replay --force --reason`, or mark it resolved", False),
    "order_issued_again": Entry("a cancelled order comes again with other content", "it was issued anew under its number, or an old version came late", "if it is new, `connector replay --force --reason`; else mark it resolved", False),
    "order_resolved": Entry("an order changes of which a person dealt with an earlier document", "what was done by hand is not known here", "do this by hand too and mark it resolved, or `connector replay --force --reason`", False),
    "order_was_cancelled": Entry("a change came for a cancelled order", "the cancellation, or the change, was a mistake", "ask the partner; `connector replay --force --reason` puts the order in force again", False),
    "draft_already_sent": Entry("the order changed after the invoice or estimate made of it was sent", "a late change", "change it in FreshBooks by hand", False),
    "draft_gone": Entry("the order changed after the draft made of it was deleted", "somebody deleted it in FreshBooks", "undo the deletion and replay, or mark it resolved", False),
    "no_client": Entry("no FreshBooks client is named to make the draft for", "the pack's freshbooks.client_ids is empty", "set it in the pack, then replay", False),
    "deleted_after_sending": Entry("a document was deleted in FreshBooks after it was sent", "somebody deleted it", "agree with the partner on a credit or cancellation", False),
    "original_unknown": Entry("nothing says which invoice the credit is for", "its words name no invoice, or several", "write `Credit for invoice 1234` into the credit's notes in FreshBooks", False),
    "decision_needed": Entry("an order waits for somebody to accept or reject it", "the pack asks a person, or the order is not as FreshBooks' items say", "`connector acknowledge ORDER --accept`, `--reject` or `--lines FILE`", False),
    "decision_due": Entry("the deadline for acknowledging an order is near", "nobody has decided about it", "`connector acknowledge ORDER --accept`, `--reject` or `--lines FILE`", False),
    "decision_impossible": Entry("an acknowledgement promises what the order does not ask for", "a wrong line number or quantity", "decide again with `connector acknowledge`", False),
    "renumbered_after_sending": Entry("an invoice or bill got another number, or another order, after it was sent", "somebody changed it in FreshBooks; the partner would be billed twice", "give it its number and order back, or take the sent one back with the partner and write a new one", False),
    "sent_copy_missing": Entry("the copy of what was sent is missing", "it could not be archived when it was sent", "settle the change with the partner, then `connector resolve`", False),
    "refused": Entry("the vendor refused the document", "see the vendor's words in the reason", "correct it at its source, or replay", False),
    "not_found": Entry("the vendor does not have the object", "it was deleted, or the id is of another account", "check the account id of the connection", False),
    "forbidden": Entry("the vendor does not allow this", "a missing scope, a role, or a read-only field", "grant the scope, then authorize again: the console's Connect page, or `connector authorize`", False),
    "plan_lacks_feature": Entry("the FreshBooks plan has no bills", "bills need Accounts Payable", "upgrade the plan; what waits then goes on by itself", False),
    "too_large": Entry("the answer or file is too large", "more than 20 MB in one file", "ask the sender to split it", False),
    "pack_invalid": Entry("the partner pack is wrong", "a misspelt or impossible setting", "correct the place that the message names", False),
    "no_sps_credentials": Entry("SPS's credentials are not stored", "the connection was not fully added", "enter them: the console's Connect page, or `connector connections add`", False),
    "no_freshbooks_credentials": Entry("FreshBooks' credentials are not stored", "the connection was not fully added", "`connector connections add`", False),
    "no_credentials": Entry("the credentials are not stored", "the connection was not fully added", "`connector connections add`", False),
    "not_allowed": Entry("FreshBooks did not allow the connection", "somebody chose not to, or may not in this business", "authorize again: the console's Connect page, or `connector authorize`; then choose to allow it", False),
    "code_spent": Entry("FreshBooks did not accept the authorization code", "it is used once and lives five minutes", "authorize again: the console's Connect page, or `connector authorize`", False),
    "state_forged": Entry("the authorization was not begun here", "an old or forged address", "authorize again: the console's Connect page, or `connector authorize`", False),
    "state_expired": Entry("the authorization took too long", "its address lives ten minutes", "authorize again: the console's Connect page, or `connector authorize`", False),
    "stranded": Entry("FreshBooks' refresh token is used up", "a reply was lost while it was renewed", "authorize again: the console's Connect page, or `connector authorize`; queues wait and nothing is lost", False),
    "not_authorized": Entry("FreshBooks is not authorized", "nobody has allowed the connection yet", "authorize it: the console's Connect page, or `connector authorize`", False),
    "callback_not_confirmed": Entry("FreshBooks did not confirm a webhook", "the address cannot be reached from outside", "check the address, then register them again: the console's Connect page, or `connector connections webhooks`", False),
    "shadow_mode": Entry("the trading partner is in shadow mode", "nothing is sent for it yet", "look at what would be sent, then `connector partners live`", False),
    "held_by_person": Entry("a person holds the document back", "somebody wants to look at it first", "replay it when it may go on", False),
    "account_in_use": Entry("the connection has delivered for another business", "a ledger belongs to one business", "add a connection of its own for the other business", False),
    "scopes_missing": Entry("FreshBooks has not granted all scopes", "the application lacks some, or they were added later", "add them to your FreshBooks application, then authorize again: the console's Connect page, or `connector authorize`", False),
    "webhooks_silent": Entry("FreshBooks no longer calls when something changes", "it switched a webhook off, as its address had failed for long, or somebody removed it", "register them again: the console's Connect page, or `connector connections webhooks`; the poll finds each change meanwhile", False),
    "wrong_account": Entry("the account is not one that was authorized", "another person, or another of several businesses", "choose the right business, or `connector authorize` as a person of it", False),
    "no_group": Entry("the person belongs to no group of the console", "nobody has said yet what they may do", "`connector people add NAME --group viewer` or operator", False),
    "operators_only": Entry("viewers may not change anything", "the person is no operator", "`connector people add NAME --group operator`", False),
    "nothing_to_hold": Entry("the document can no longer be held back", "it is being sent, or is done", "look at it with `connector show`", False),
    "nothing_to_replay": Entry("there is nothing to replay", "the document is delivered or ended", "use --force with a reason to send it again", False),
    "redrive_refused": Entry("SQS does not move the dead letters now", "an earlier move still runs, or a right is missing", "try again in a minute; check the rights of the AWS profile", False),
    "nothing_to_resolve": Entry("there is nothing to resolve", "the document does not wait for a person", "look at it with `connector show`", False),
    "export_damaged": Entry("an export is not as it was written", "a copy broke off, or somebody changed it", "copy it again, or export again", False),
    "export_in_flight": Entry("documents of the export were on their way", "it was made while work was going on", "import it under its own id, or export again when they are delivered", False),
    "bill_brought_back": Entry("a bill is to be closed out that was closed out before", "somebody brought it back in FreshBooks", "`connector replay --force --reason` deletes it again; mark it resolved to keep the bill", False),
    "bill_not_adjusted": Entry("a bill could not be set to what is still shipped of its order", "quantities of another shipment of the order could not be counted", "adjust the bill in FreshBooks by hand, then mark the document resolved", False),
    "bill_deleted": Entry("an order changed whose bill is deleted", "it was closed out, or somebody deleted it", "bring it back in FreshBooks and replay, or mark it resolved", False),
    "no_bill": Entry("nothing says which bill an order became", "it was not billed, or became something else", "close it in FreshBooks by hand", False),
    "before_cut_over": Entry("a document from before the cut-over changed, or came late", "it was billed or sent by other means, or nobody has seen it", "deal with it by hand and mark it resolved, or have it sent by force", False),
    "partner_unclear": Entry("nothing says which trading partner a shipment is for", "its PO numbers are nobody's, or several partners'", "check the PO numbers and their leading zeros, or fill the partner column", False),
    "order_cancelled": Entry("the shipment or invoice is for a cancelled order", "the retailer cancelled it, or the PO number is another one", "ask the buyer; take the document back, or correct its PO number", False),
    "ssccs_used_up": Entry("no SSCC can be made any more", "the serial numbers of the company prefix are used up", "set another asn.extension in the partner pack, then replay", False),
    "nothing_to_cancel": Entry("the shipment is cancelled already", "it was cancelled twice", "look at it with `connector show`", False),
    # what a mapping found; the reason of the document says which line, and more
    "number_missing": Entry("the invoice or bill has no number", "it was saved without one", "give it a number in FreshBooks", False),
    "date_missing": Entry("the invoice or bill has no date", "it was saved without one", "give it a date in FreshBooks", False),
    "no_lines": Entry("the document has no line that is an article", "it is empty, or has lines of text only", "enter the lines in FreshBooks; of an order, ask the trading partner", False),
    "negative_total": Entry("the total is negative, and the document is no credit", "a discount or a credit line outweighs the rest", "correct it in FreshBooks", False),
    "negative_quantity": Entry("a line's quantity is negative", "a piece given back stands among the pieces sold", "correct it in FreshBooks; a credit note is a record of its own", False),
    "number_too_large": Entry("a quantity, price or percent is out of all bounds", "a slip of the keyboard, or a damaged file", "correct it in FreshBooks; of an order, ask the trading partner", False),
    "unit_unknown": Entry("a quantity's unit is not the order line's", "nothing says how many pieces the unit has", "set the factor in the partner pack, or give the quantity in the order's unit", False),
    "unit_not_whole": Entry("a quantity is no whole number of the order's unit", "pieces were counted where the order counts cartons", "give the quantity in the order's unit", False),
    "article_not_on_order": Entry("an uploaded article is not on its order", "a misspelt SKU or UPC, or another order's article", "correct the upload, or name the order's line in it", False),
    "article_ambiguous": Entry("an uploaded article could be several lines of its order", "the order has it twice", "give the order's line number in the upload", False),
    "carton_mixed": Entry("one carton holds what the partner wants apart", "the pack's layout allows one article or store in a carton", "pack or list them in cartons of their own", False),
    "asn_data_missing": Entry("the notice lacks what the partner asks for", "the upload or the invoice does not say it", "fill it in, or give a default in the partner pack", False),
    "ship_to_differs": Entry("the orders of one shipment go to different places", "several orders are in one upload", "upload a shipment for each place", False),
    "store_missing": Entry("the upload does not say which store a part is for", "the order is for several stores", "fill the store column", False),
    "store_unknown": Entry("the upload names a store that the order has nothing for", "a misspelt store, or another order's", "take a store that the order names", False),
    "no_items": Entry("there are no articles to go by", "the shipment ships nothing, or FreshBooks has no items", "ask the trading partner; for acknowledgements, enter your items in FreshBooks", False),
    "item_unknown": Entry("the order has an article that is none of your items", "FreshBooks' items lack it, or spell it otherwise", "enter it in FreshBooks, or acknowledge the order yourself", False),
    "price_off": Entry("the order's price is not your item's", "the retailer has another price list", "correct the item in FreshBooks, or acknowledge the order yourself", False),
    "items_unreadable": Entry("FreshBooks' items could not be compared", "FreshBooks refused to list them", "see the reason, or acknowledge the order yourself", False),
    "shipped_too_early": Entry("goods are shipped before the order's earliest ship date", "the order's window has not begun, or the upload's ship date is wrong", _WINDOW, False),
    "shipped_too_late": Entry("goods are shipped after the order's latest ship date", "the window is over, or the upload's ship date is wrong", _WINDOW, False),
    "shipped_after_cancel_date": Entry("goods are shipped after the order's cancel date", "the retailer need not take them any more", _WINDOW, False),
    "delivered_too_early": Entry("goods arrive before the order's earliest delivery date", "the window has not begun, or the upload's delivery date is wrong", _WINDOW, False),
    "delivered_too_late": Entry("goods arrive after the order's latest delivery date", "the window is over, or the upload's delivery date is wrong", _WINDOW, False),
    "notice_late": Entry("the notice comes later than the partner allows", "it was uploaded after the goods had left, or the partner's deadline is short", "upload shipments on the day they leave; this one goes where the pack only warns of it (rules.notice_late)", False),
    "order_held": Entry("the order is held, so nothing is acknowledged for it", "see the order's own reason", "settle the order first, or acknowledge it yourself", False),
    "wrong_order": Entry("the invoice and the order that it is compared with have different numbers", "the wrong pair of documents", "give the invoice's own order", False),
    "not_on_order": Entry("an invoiced article is not on the order", "another article was shipped, or it is named otherwise", "ask which is right, or have the order changed", False),
    "line_count_differs": Entry("the document has another number of lines than it says", "lines were lost on the way", "ask its sender for it again", False),
    "unknown_element": Entry("an element is none of RSX", "an override of the pack misspells it", "remove it from the pack; SPS refuses the whole document otherwise", False),
    "wrong_type": Entry("an element's value is of the wrong kind", "an override of the pack, or a document made elsewhere", "give it as the message says", False),
    "empty_element": Entry("an element is empty", "it was set to nothing", "leave it out of the pack, or fill it", False),
    "null": Entry("an element is null, which RSX does not allow", "a document made elsewhere", "leave it out", False),
    "levels_mixed": Entry("a group has pallets, cartons and articles side by side", "a document made elsewhere", "keep one kind at each level, as the pack's layout says", False),
    # unreadable files
    "file_not_read": Entry("the file could not be read from SPS", "SPS answers with a web page, or breaks off, every time", "nothing if it passes: it is tried again now and then; else have SPS send it again", True),
    "file_not_taken": Entry("the file cannot be taken in", "a fault of the connector", "show it to whoever looks after the connector; it stays at SPS", False),
    "file_gone": Entry("the file is no longer at SPS", "somebody deleted it before it could be read", "ask for it again, or `connector resolve`", False),
    "empty": Entry("the file is empty", "the transfer broke off", "ask the sender for it again", False),
    "not_rsx": Entry("the file is no RSX document", "another format, or another kind of file", "have SPS deliver RSX 7.7 JSON or XML", False),
    "not_json": Entry("the file is damaged JSON", "the transfer broke off", "ask the sender for it again", False),
    "not_xml": Entry("the file is damaged XML", "the transfer broke off", "ask the sender for it again", False),
    "not_utf8": Entry("the file's characters are not UTF-8", "another encoding", "have SPS deliver UTF-8", False),
    "too_deep": Entry("the file is nested too deeply", "damaged, or an attack", "ask the sender", False),
    "rsx_7_6": Entry("the document is RSX 7.6", "an older map", "have SPS deliver RSX 7.7", False),
    "unreadable": Entry("the file cannot be read", "damaged", "ask the sender for it again", False),
}  # fmt: skip


def explain(code: str) -> Entry | None:
    """The entry of an error code; None for those of warnings and remarks, which speak for themselves."""
    return CATALOGUE.get(code)


def leaves() -> list[type[errors.ConnectorError]]:
    """Every class of the error tree."""
    found: list[type[errors.ConnectorError]] = []
    rest = [errors.ConnectorError]
    while rest:
        kind = rest.pop()
        rest += kind.__subclasses__()
        found.append(kind)
    return found
