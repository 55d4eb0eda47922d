"""RSX 7.7.7 OrderChange (X12 860): an order's elements, and what says how they change it."""

from connector.documents.order import HeaderFields, LineFields, Order, OrderHeaderGroup, OrderLineItem
from connector.documents.parts import EMPTY, Number


class ChangeHeaderFields(HeaderFields):
    ChangeOrderSeqNumber: str | None = None
    POChangeDate: str | None = None


class ChangeHeaderGroup(OrderHeaderGroup):
    OrderHeader: ChangeHeaderFields


class ChangeLineFields(LineFields):
    LineChangeCode: str | None = None
    PreviousOrderQty: Number | None = None
    VarianceQty: Number | None = None


class ChangeLineItem(OrderLineItem):
    OrderLine: ChangeLineFields = ChangeLineFields()


class OrderChange(Order):
    """Says of an order what changes; of a line only what its code is about need be there."""

    Header: ChangeHeaderGroup
    LineItem: list[ChangeLineItem] = EMPTY  # type: ignore[assignment]
