"""The two vendors on one machine, oddities included: SPS Commerce's mailbox, FreshBooks' accounting API."""

from local.simulators.freshbooks import FreshBooksSimulator
from local.simulators.server import RunningSimulator, Simulator, serve
from local.simulators.sps import SpsSimulator

__all__ = ["FreshBooksSimulator", "RunningSimulator", "Simulator", "SpsSimulator", "serve"]
