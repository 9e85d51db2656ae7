"""Audit models of dbt as warnings: what a ruling wants named, found where the rule is computed.

Each model ``intermediate.int_audit_*`` has the columns ``check_name``, ``subject`` and ``detail``, a row per finding.
Every row becomes a warning, up to ``MOST_NAMED`` of a kind; a model without rows gives one passed check, so that it is
seen to have run.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from expectations.gate import LIMITS, CheckResult, GateError, Limits
from warehouse.build import WORK_FILE

PREFIX = "int_audit_"

MOST_NAMED = 500
"""Findings of one kind that are named; the rest is counted, so that a source that errs every day buries no other."""

FAMILIES = {
    "etf": "etf",
    "fx": "etf",
    "index": "index",
    "contribution": "index",
    "concept": "index",
    "security": "index",
    "visit": "visits",
}
"""First word of an audit's name -> the family that answers for it; any other word names its own family."""


GATES = {"fx": "G16"}
"""First word of an audit's name -> the gate of ``expectations.gates`` that its findings belong to, where one does."""


def gate_of(model: str) -> str:
    """The gate of an audit model's findings, from its name; blank: none."""
    return GATES.get(model.removeprefix(PREFIX).split("_")[0], "")


def family_of(model: str) -> str:
    """The family that owns an audit model, from its name."""
    word = model.removeprefix(PREFIX).split("_")[0]
    return FAMILIES.get(word, word)


def run_audits(
    build: Path,
    unchanged: Collection[str] = (),
    earlier: Mapping[tuple[str, str], CheckResult] | None = None,
    limits: Limits = LIMITS,
) -> list[CheckResult]:
    """A result per finding of every audit model in ``build``. Raises ``GateError`` where a model lacks a column.

    A model that had nothing to report in ``earlier`` and is ``unchanged`` since (``work.intermediate.<model>``; as in
    ``run_suites``) keeps its result.
    """
    results = []
    with duckdb.connect(str(build / WORK_FILE), read_only=True, config=dict(limits)) as con:
        models = con.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'intermediate' and table_name like 'int\\_audit\\_%' escape '\\' order by table_name"
        ).fetchall()
        for (model,) in models:
            before = (earlier or {}).get((f"intermediate.{model}", model.removeprefix(PREFIX)))
            if before is not None and before.passed and f"work.intermediate.{model}" in unchanged:
                results.append(replace(before, seconds=0.0))
                continue
            began = time.perf_counter()
            try:
                findings = con.execute(
                    "select check_name, subject, detail from (select *, row_number() over (partition by check_name"
                    f' order by subject) as place from intermediate."{model}") where place <= ?'
                    " order by check_name, place",
                    [MOST_NAMED],
                ).fetchall()
                counted = con.execute(
                    f'select check_name, count(*) from intermediate."{model}" group by check_name having count(*) > ?'
                    " order by check_name",
                    [MOST_NAMED],
                ).fetchall()
            except duckdb.BinderException as error:
                raise GateError(f"intermediate.{model} is no audit model: {str(error).splitlines()[0]}") from error
            seconds = round(time.perf_counter() - began, 4)
            results += [
                CheckResult(
                    check_name=str(name),
                    mart=f"intermediate.{model}",
                    severity="warning",
                    owner=family_of(model),
                    reason=str(detail),
                    passed=False,
                    observed=str(subject),
                    limit="nothing to report",
                    unexpected_rows=1,
                    sample=[{"subject": str(subject), "detail": str(detail)}],
                    seconds=seconds,
                    gate=gate_of(model),
                )
                for name, subject, detail in findings
            ]
            results += [
                CheckResult(
                    check_name=str(name),
                    mart=f"intermediate.{model}",
                    severity="warning",
                    owner=family_of(model),
                    reason=f"{MOST_NAMED} findings of this kind are named, the first by subject.",
                    passed=False,
                    observed=f"{count - MOST_NAMED} more",
                    limit="nothing to report",
                    unexpected_rows=count - MOST_NAMED,
                    seconds=seconds,
                    gate=gate_of(model),
                )
                for name, count in counted
            ]
            if not findings:
                results.append(
                    CheckResult(
                        check_name=model.removeprefix(PREFIX),
                        mart=f"intermediate.{model}",
                        severity="warning",
                        owner=family_of(model),
                        reason="The model lists what a reader should know before using the figures.",
                        passed=True,
                        observed="0 rows",
                        limit="nothing to report",
                        seconds=seconds,
                        gate=gate_of(model),
                    )
                )
    return results
