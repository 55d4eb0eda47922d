"""The console's routes about all documents: the overview and the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.usecases.overview import overview
from connector.usecases.searching import Wanted, search

if TYPE_CHECKING:
    from connector.console.routes import Request

PAGE = 50


def _overview(request: Request) -> Any:
    return overview(request.world(), request.text("zone"))


def _documents(request: Request) -> Any:
    wanted = Wanted.of({name: str(value) for name, value in request.given.items()})
    return search(request.world(), wanted, cursor=request.text("cursor"), limit=PAGE)


ROUTES = {
    ("GET", "overview"): _overview,
    ("GET", "documents"): _documents,
}
