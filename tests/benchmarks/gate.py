"""What the gate costs beside the same checks as plain SQL.

Run with ``python -m tests.benchmarks.gate`` (``make bench``), which builds the sample; ``--build FOLDER`` takes a
finished build (``sector.duckdb``, ``work.duckdb``), such as one of the market of ``tests.benchmarks.market``. Plain SQL
counts the offending rows of every suite check in one DuckDB connection, a query a check; the gate does the same through
Great Expectations, and takes the figures of measured checks, a sample of what failed, the audits and, with
``--release FILE``, the comparison with a past release. CPU seconds of this process, imports apart. ``--dear N`` lists
the dearest checks, ``--json FILE`` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from expectations.gate import open_build, run_gate, run_suites
from expectations.suites import SUITES
from expectations.vocabulary import Check, Suite, over_all
from tests.benchmarks.damage import made

DEAREST = 15


def count_query(suite: Suite, check: Check) -> str:
    """SQL that counts the rows which break ``check``."""
    if check.query is not None:
        return f"select count(*) from ({over_all(check.query, suite.table)}) as found"
    rule: Any = check.expectation(suite.table)
    kind = type(rule).__name__
    if kind == "ColumnsUnique":
        keys = ", ".join(f'"{name}"' for name in rule.column_list)
        return f"select coalesce(sum(n), 0) from (select count(*) as n from {suite.table} group by {keys} having n > 1)"
    column = f'"{rule.column}"'
    if kind == "ColumnUnique":
        grouped = f"select count(*) as n from {suite.table} where {column} is not null group by {column} having n > 1"
        return f"select coalesce(sum(n), 0) from ({grouped})"
    if kind == "ColumnKnown":
        broken = f"{column} is null"
    elif kind == "ColumnInSet":
        broken = f"{column} not in ({', '.join(_literal(value) for value in rule.value_set)})"
    else:
        limits = ((rule.min_value, "<"), (rule.max_value, ">"))
        broken = " or ".join(f"{column} {sign} {limit!r}" for limit, sign in limits if limit is not None)
    return f"select count(*) from {suite.table} where {broken}"


def _literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def as_plain_sql(build: Path) -> dict[tuple[str, str], tuple[float, int]]:
    """CPU seconds and offending rows by (table, check)."""
    queries = {(suite.table, check.name): count_query(suite, check) for suite in SUITES for check in suite.checks}
    told = {}
    with open_build(build) as con:
        con.execute("set threads = 2")
        for place, query in queries.items():
            began = time.process_time()
            [(rows,)] = con.execute(query).fetchall()
            told[place] = (time.process_time() - began, int(rows))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path)
    parser.add_argument("--release", type=Path, action="append", default=[])
    parser.add_argument("--dear", type=int, default=DEAREST)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options.build or made(Path(folder)) / "build", options)


def compare(build: Path, options: argparse.Namespace) -> None:
    """Time both ways over ``build``; print, and write what was asked for."""
    plain = as_plain_sql(build)
    began = time.process_time()
    results = run_suites(build, SUITES)
    suites = time.process_time() - began
    began = time.process_time()
    run_gate(build, tables=(), releases=options.release)
    rest = time.process_time() - began
    counts = [(found, plain[found.mart, found.check_name][1]) for found in results]
    other = [
        f"{found.mart}.{found.check_name}: {found.unexpected_rows} rows, plain SQL {rows}"
        for found, rows in counts
        if found.unexpected_rows != rows
    ]
    figures = {
        "checks": len(results),
        "plain_sql": round(sum(seconds for seconds, _ in plain.values()), 2),
        "suites": round(suites, 2),
        "audits_and_history": round(rest, 2),
    }
    table = Table(title="The gate beside plain SQL, CPU s")
    for heading in figures:
        table.add_column(heading)
    table.add_row(*map(str, figures.values()))
    dear = sorted(plain.items(), key=lambda found: -found[1][0])[: options.dear]
    costs = Table(title="Dearest checks as plain SQL, CPU s")
    for heading in ("table", "check", "CPU s"):
        costs.add_column(heading)
    for (mart, name), (seconds, _) in dear:
        costs.add_row(mart, name, f"{seconds:.3f}")
    console = Console(width=120)
    console.print(table, costs)
    for line in other:
        console.print(f"other count: {line}", soft_wrap=True)
    if options.json:
        whole = figures | {"dearest": [[*place, round(seconds, 3)] for place, (seconds, _) in dear], "other": other}
        options.json.write_text(json.dumps(whole, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
