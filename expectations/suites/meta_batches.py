"""meta.batches: no landed row is lost without a word."""

from expectations.vocabulary import Suite, key_checks, known, no_rows
from orchestration.contracts import CONTRACTS

RAW = " union all ".join(f'select _batch_id from work.raw."{table}"' for table in CONTRACTS)

SUITE = Suite(
    table="meta.batches",
    owner="ingest",
    grain=("batch_id",),
    checks=(
        *key_checks(("batch_id",)),
        known("sha256", "The file's identity."),
        no_rows(
            "rows_accounted_for",
            "critical",
            "Every landed row is accepted, refused with a reason, or an exact repeat.",
            "select batch_id, table_name, file, rows_landed, rows_accepted, rows_quarantined, rows_repeated "
            "from {batch} "
            "where rows_landed <> rows_accepted + rows_quarantined + rows_repeated "
            "or least(rows_landed, rows_accepted, rows_quarantined, rows_repeated) < 0",
            "landed = accepted + quarantined + repeated",
        ),
        no_rows(
            "accepted_rows_are_in_raw",
            "critical",
            "A batch that claims rows which raw does not hold was not committed whole.",
            "select coalesce(b.batch_id, r.batch_id) as batch_id, b.accepted, r.held "
            "from (select batch_id, sum(rows_accepted) as accepted from {batch} group by batch_id) as b "
            f"full outer join (select _batch_id as batch_id, count(*) as held from ({RAW}) as rows group by "
            "_batch_id) as r "
            "on b.batch_id = r.batch_id where coalesce(b.accepted, 0) <> coalesce(r.held, 0)",
            "as many rows in raw as accepted",
        ),
        no_rows(
            "refused_rows_have_reasons",
            "warning",
            "Each refused row can be looked up with its text and reason.",
            "select coalesce(b.batch_id, q.batch_id) as batch_id, b.refused, q.lines "
            "from (select batch_id, sum(rows_quarantined) as refused from {batch} group by batch_id) as b "
            "full outer join "
            "(select batch_id, count(row_number) as lines from meta.quarantine group by batch_id) as q "
            "on b.batch_id = q.batch_id where coalesce(b.refused, 0) <> coalesce(q.lines, 0)",
            "a quarantine line each",
        ),
        no_rows(
            "accepted_with_doubts",
            "warning",
            "The rows are in, but whoever reads them should know what was odd about their file.",
            "select batch_id, table_name, file, warnings from {batch} where warnings is not null",
            "no warning of the ingest",
        ),
        no_rows(
            "few_rows_refused",
            "warning",
            "A tenth: stray rows happen in every feed; more means a changed format (observed 2026-01, "
            "akshare 1.18.15).",
            "select batch_id, table_name, file, rows_landed, rows_quarantined from {batch} "
            "where rows_quarantined > 0.1 * rows_landed and rows_landed > 0",
            "at most 10% of a file",
        ),
    ),
)
