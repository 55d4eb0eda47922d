"""What parked documents wait for without anybody doing anything to them, and whether it is there.

    CONN/pack/PARTNER          the trading partner's pack
    CONN/live/PARTNER          the partner's going live, where it runs in shadow
    CONN/category/PARTNER      a FreshBooks category for the partner's bill lines
    CONN/plan/bills            a FreshBooks plan with bills
    CONN/token/FreshBooks      a token that FreshBooks takes; CONN/token/SPS credentials that SPS takes
    CONN/in/PARTNER/order/NO   an order (an invoice waits for it) or its bill (a shipment does)
    CONN/out/PARTNER/credit/NO a credit that goes first

What arrives here (a pack, an order) wakes its documents itself; for all else, and for wake-ups that were lost, the
upkeep looks. It asks a vendor at most once a run, and only while something waits for the answer.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from connector import errors
from connector.ledger import DocumentKey
from connector.usecases.corrections import is_over
from connector.usecases.cut_over import is_registered
from connector.usecases.notices import is_noticed
from connector.usecases.orders import is_booked
from connector.usecases.world import category_name

if TYPE_CHECKING:
    from connector.usecases.world import World

_CATEGORY_CODES = frozenset({"no_category", "no_such_category"})
_SPS_CREDENTIALS_CODES = frozenset({"not_configured", "no_sps_credentials"})


def what_it_waits_for(key: DocumentKey, error: errors.ConnectorError) -> str:
    """The name of what ends the wait of a document whose push stopped with `error`; "" where a person has to."""
    vendor = "FreshBooks" if key.direction == "in" else "SPS"
    match error:
        case errors.Waiting():
            return error.waits_for
        case errors.PlanLacksFeature():
            return f"{key.connection}/plan/bills"
        case errors.Unauthenticated() | errors.Stranded() if vendor == "FreshBooks":
            return f"{key.connection}/token/{vendor}"
        case errors.NotConfigured(code=code) if vendor == "SPS" and code in _SPS_CREDENTIALS_CODES:
            return f"{key.connection}/token/{vendor}"
        case errors.NotConfigured(code=code) if code in _CATEGORY_CODES:
            return category_name(key.connection, key.partner)
    return ""


class Look:
    """One look at what is there; each vendor's answer is asked for once and kept."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.forget_packs()

    def sees(self, what: str, direction: str) -> bool:
        """Whether `what`, as documents of `direction` name it, has arrived."""
        world = self._world
        _, kind, rest = what.split("/", 2)
        match kind, rest:
            case "pack", partner:
                return partner in world.packs()
            case "live", partner:
                return world.shadow(partner) is None
            case "category", partner:
                return self._has_category(partner)
            case "plan", _:
                return self._freshbooks_says is None
            case "token", "SPS":
                return self._sps_lets_us_in
            case "token", _:
                return self._freshbooks_says is None or isinstance(
                    self._freshbooks_says, errors.PlanLacksFeature
                )
        key = DocumentKey.of(what)
        if key.type == "notice":
            return is_noticed(world, key)
        record = world.ledger.get(key)
        if kind == "out":
            return is_over(record)
        # a shipment needs what was made of the order, an invoice only the order
        return record is not None and (direction == "out" or is_booked(record) or is_registered(record))

    @cached_property
    def _freshbooks_says(self) -> errors.ConnectorError | None:
        """None where FreshBooks lets us in and its plan has bills: one page of vendors tells both."""
        try:
            next(self._world.freshbooks.list_vendors(), None)
        except errors.ConnectorError as error:
            return error
        return None

    @cached_property
    def _sps_lets_us_in(self) -> bool:
        try:
            self._world.sps.auth_check()
        except errors.ConnectorError:
            return False
        return True

    def _has_category(self, partner: str) -> bool:
        pack = self._world.packs().get(partner)
        name = (pack.freshbooks.category if pack else None) or self._world.connection.category
        return bool(name) and folded(name or "") in self._categories

    @cached_property
    def _categories(self) -> frozenset[str]:
        try:
            return frozenset(folded(one.category or "") for one in self._world.freshbooks.list_categories())
        except errors.ConnectorError:
            return frozenset()


def folded(name: str) -> str:
    """A name as compared: case and spacing do not matter."""
    return " ".join(name.casefold().split())
