"""rpt_market_note: every claim told or said to be missing."""

from expectations.vocabulary import Suite, in_set, key_checks, known, no_rows
from warehouse.claims import CLAIM_IDS

GRAIN = ("note_date", "claim_id")

CLAIMS = ", ".join(f"('{claim}')" for claim in CLAIM_IDS)

SUITE = Suite(
    table="marts.rpt_market_note",
    owner="desk",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        known("status", "A claim is reproduced or it is not available."),
        in_set("status", ("reproduced", "not_available"), "Readers filter on these words."),
        known("claim", "A claim without its sentence says nothing."),
        no_rows(
            "every_claim_present",
            "critical",
            "A claim that silently drops out of the note reads like no news.",
            f"select c.claim_id from (values {CLAIMS}) as c(claim_id) left join {{batch}} as n on c.claim_id "
            "= n.claim_id "
            "where n.claim_id is null and (select count(*) from {batch}) > 0",
            "all claims of the contract",
        ),
        no_rows(
            "one_note_per_release",
            "critical",
            "Two dates in one note would mix two mornings.",
            "select count(distinct note_date) as dates from {batch} having count(distinct note_date) > 1",
            "one note_date",
        ),
        no_rows(
            "figure_exactly_where_reproduced",
            "critical",
            "A figure is never invented, and a reproduced claim shows one.",
            "select claim_id, status, value, value_text from {batch} where (status = 'not_available' and "
            "value is not null) "
            "or (status = 'reproduced' and value is null and value_text is null)",
            "a figure if and only if reproduced",
        ),
    ),
)
