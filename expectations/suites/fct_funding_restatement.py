"""fct_funding_restatement: what a quarter was said to be at each quarter end since, and is said to be now."""

from expectations.vocabulary import Suite, in_set, key_checks, no_rows, within_cut

GRAIN = ("profile", "segment", "region", "quarter_start", "known_at")

SUITE = Suite(
    table="marts.fct_funding_restatement",
    owner="funding",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("vintage_status", ("known", "no_vintage"), "Readers filter on these words."),
        no_rows(
            "nothing_known_before_its_moment",
            "critical",
            "A vintage that uses what became known after it is hindsight.",
            "select profile, segment, region, quarter_start, known_at, knowledge_at from {batch} "
            "where knowledge_at > known_at",
            "inputs known by known_at",
        ),
        no_rows(
            "latest_is_the_quarter",
            "critical",
            "The last vintage is the figure that fct_funding_quarterly shows.",
            "select q.profile, q.segment, q.region, q.quarter_start, q.amount_usd, r.amount_usd as restated_usd, "
            "q.deals, r.deals as restated_deals from marts.fct_funding_quarterly as q left join {batch} as r "
            "on q.profile = r.profile and q.segment = r.segment and q.region = r.region "
            "and q.quarter_start = r.quarter_start and r.is_latest where q.is_ended and ("
            "r.deals is null or r.deals <> q.deals or r.amount_usd is distinct from q.amount_usd)",
            "the same amount and deals",
        ),
    ),
)
