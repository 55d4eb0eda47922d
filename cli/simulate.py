"""`connector simulate sps|freshbooks`: a vendor simulator on its own, for any client to be pointed at."""

from __future__ import annotations

import json
import threading
from enum import StrEnum
from typing import Annotated

import typer

from cli.output import JsonOption, err, guarded
from connector import errors
from local.simulators.freshbooks import FreshBooksSimulator
from local.simulators.server import serve
from local.simulators.sps import SpsSimulator


class Vendor(StrEnum):
    sps = "sps"
    freshbooks = "freshbooks"


@guarded
def simulate(
    vendor: Annotated[Vendor, typer.Argument(help="Which vendor to simulate.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Run a vendor simulator until Ctrl+C. It listens on 127.0.0.1 only and keeps what it is sent.

    Set it up through its control endpoints: POST /_control/accounts, then GET /_control/state.
    """
    simulator = SpsSimulator() if vendor is Vendor.sps else FreshBooksSimulator()
    try:
        running = serve(simulator, port=port)
    except OSError as error:
        raise errors.BadUse(
            f"port {port}: {error.strerror}", code="port_taken", fix="choose another with --port"
        ) from None
    with running:
        if as_json:
            print(json.dumps({"vendor": vendor, "url": running.url}), flush=True)
        else:
            err.print(f"{vendor} simulator at {running.url} (Ctrl+C stops it)")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            err.print("stopped")
