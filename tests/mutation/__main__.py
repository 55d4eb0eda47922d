# ruff: noqa: T201 - it prints its figures
"""`python -m tests.mutation`: how many small mistakes in the code the tests notice.

    python -m tests.mutation                                        a seeded sample of every module
    python -m tests.mutation --module connector.ledger --sample 0   all of one
    python -m tests.mutation --seed 7 --verbose                     another sample, every mutant's end

Each mutant is tried in a process of its own by the tests that ran the changed lines; one that takes effect at
import by all of the files that run the module. Mutants named in `equivalent.toml` are left out: nobody could tell
them from the code.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.mutation.points import Point, points
from tests.mutation.trial import ROOT, SOURCE, path_of, try_all

GROUPS = {
    "ledger": ("connector.ledger", "connector.usecases.push", "connector.usecases.arrivals"),
    "usecases": tuple(
        f"connector.usecases.{name}" for name in ("together", "sightings", "polling", "fulfilment", "upkeep")
    ),
    "flows": tuple(
        f"connector.usecases.{name}"
        for name in (
            "inbound", "orders", "targets", "sales", "as_shipped", "advices", "outbound", "outbound_plans",
            "corrections", "crediting", "renumbering", "notices",
        )
    ),
    "table": ("connector.adapters.items", "connector.adapters.dynamodb"),
    "mapping": tuple(
        f"connector.mapping.{name}"
        for name in (
            "money", "carry", "lines", "conform", "taxes", "terms", "units", "order_lines", "order_to_bill",
            "order_change", "order_diff", "order_history", "reversal", "shipment_levels", "shipment_to_events",
            "shipment_header", "invoice_to_rsx", "invoice_totals", "invoice_to_shipment", "bill_to_rsx",
        )
    ),
    "rules": tuple(
        f"connector.rules.{name}" for name in ("checks", "invoices", "open_quantities", "packs", "profile", "rule")
    ),
    "http": ("connector.adapters.http", "connector.adapters.exchanges"),
}  # fmt: skip
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def main() -> int:
    known = [module for group in GROUPS.values() for module in group]
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="How many mutants the tests kill."
    )
    parser.add_argument(
        "--module", action="append", choices=known, metavar="MODULE", help="only this one; repeat"
    )
    parser.add_argument("--group", choices=GROUPS, help="only the modules of this group")
    parser.add_argument(
        "--sample", type=int, default=60, help="mutants a module; 0 is all (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="picks the sample (default %(default)s)")
    parser.add_argument(
        "--least", type=float, default=90.0, help="percent a group must reach (default %(default)s)"
    )
    parser.add_argument("--verbose", action="store_true", help="list the killed ones, too")
    asked = parser.parse_args()
    modules = asked.module or list(GROUPS[asked.group] if asked.group else known)

    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(SOURCE)]
    equivalent = tomllib.loads(EQUIVALENT.read_text())
    trees = {module: ast.parse(path_of(module).read_text()) for module in modules}
    found = {module: points(tree) for module, tree in trees.items()}
    chosen = {}
    for module, all_points in found.items():
        named = equivalent.get(module, {})
        for name in named.keys() - {point.name for point in all_points}:
            print(f"equivalent.toml names a mutant that is not there: {module}: {name}")
        real = [n for n, point in enumerate(all_points) if point.name not in named]
        if 0 < asked.sample < len(real):
            real = sorted(random.Random(f"{asked.seed} {module}").sample(real, asked.sample))
        chosen[module] = [all_points[n] for n in real]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = try_all(trees, chosen, Path(folder))
    return _account(modules, found, chosen, outcomes, asked.verbose, asked.least)


def _account(
    modules: list[str],
    found: dict[str, list[Point]],
    chosen: dict[str, list[Point]],
    outcomes: dict[str, dict[str, str]],
    verbose: bool,
    least: float,
) -> int:
    killed = {}
    for module in modules:
        ends = outcomes[module]
        for point in chosen[module]:
            if ends[point.name] == "survived" or verbose:
                print(f"{ends[point.name]:9} {path_of(module).relative_to(ROOT)}:{point.line} {point.name}")
        killed[module] = sum(end != "survived" for end in ends.values())
    print(f"\n{'killed':>7} {'tried':>6} {'mutants':>8}")
    for module in modules:
        tried = len(chosen[module])
        print(
            f"{killed[module]:7} {tried:6} {len(found[module]):8}  {_percent(killed[module], tried)}  {module}"
        )
    poor = []
    for group, members in GROUPS.items():
        of_group = [module for module in members if module in modules]
        if of_group:
            good, tried = sum(killed[m] for m in of_group), sum(len(chosen[m]) for m in of_group)
            print(f"{good:7} {tried:6} {'':8}  {_percent(good, tried)}  {group}")
            poor += [group] if 100 * good < least * tried else []
    print(json.dumps({module: [killed[module], len(chosen[module])] for module in modules}))
    return int(bool(poor))


def _percent(killed: int, tried: int) -> str:
    return f"{100 * killed / tried if tried else 100:5.1f} %"


if __name__ == "__main__":
    sys.exit(main())
