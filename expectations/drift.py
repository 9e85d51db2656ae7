"""What a build lost against the release before it.

A fact that was published is not lost by accident: facts are cumulative, and restatements and deletions take a row away
here and there. Only a build of the same or a later moment is compared; one of an earlier moment knows less by design.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from expectations.gate import CheckResult
from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE

KEPT = 0.95
"""A twentieth may go: an index set corrected, rounds deleted, a month of visits amended."""


def run_drift(build: Path, previous: Path) -> list[CheckResult]:
    """A warning for every fact table of ``previous`` (a release's file) that ``build`` has far fewer rows of.

    Empty when the build's as-of lies before the previous release's. A release that cannot be read is a warning too.
    """
    results = []
    try:
        with duckdb.connect() as con:
            for alias, file in (("build", build / MARTS_FILE), ("work", build / WORK_FILE), ("previous", previous)):
                con.execute(f"attach {quoted(str(file))} as {alias} (read_only)")
            [(comparable,)] = con.execute(
                "select (select as_of from work.control.build_parameters) >= (select as_of from previous.meta.release)"
            ).fetchall()
            if not comparable:
                return []
            for table, before in con.execute(
                "select table_name, rows from previous.meta.tables where table_schema = 'marts' "
                "and table_name like 'fct\\_%' escape '\\' order by table_name"
            ).fetchall():
                began = time.perf_counter()
                [(now,)] = con.execute(f'select count(*) from build.marts."{table}"').fetchall()
                lost = max(before - now, 0)
                results.append(
                    CheckResult(
                        check_name="rows_not_lost",
                        mart=f"marts.{table}",
                        severity="warning",
                        owner="release",
                        reason="Facts are cumulative; restatements and deletions take a row away here and there.",
                        passed=now >= KEPT * before,
                        observed=f"{now:,} rows, {before:,} in the release before",
                        limit=f"at least {KEPT:.0%} of the release before",
                        unexpected_rows=0 if now >= KEPT * before else lost,
                        seconds=round(time.perf_counter() - began, 4),
                    )
                )
    except duckdb.Error as error:  # a damaged release must not stop the one that replaces it
        results.append(
            CheckResult(
                check_name="release_before_comparable",
                mart="meta.release",
                severity="warning",
                owner="release",
                reason=f"{previous} could not be compared: {str(error).splitlines()[0]}",
                passed=False,
                observed="not readable",
                limit="the release before can be read",
            )
        )
    return results
