"""fct_funding_restatement: what a quarter was said to be at each quarter end since, and is said to be now."""

from expectations.vocabulary import Suite, follows, in_set, key_checks, no_rows, within_cut

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
        no_rows(
            "closed_quarter_keeps_its_amount",
            "warning",
            "A closed quarter fills up: in half a year the dollars of the slowest stage grew by 28%, of the others by "
            "2 to 9% (vintages of 2020-04-01 and 2020-10-10). 25% since the last quarter end, over 20 deals or more, "
            "is edited or withdrawn rounds, or another export; growth that uses the quarter moved with it.",
            "select n.profile, n.segment, n.region, n.quarter_start, n.first_known_at, n.first_amount_usd, "
            "b.known_at as before_at, b.amount_usd as before_usd, n.amount_usd as now_usd, b.deals as before_deals, "
            "n.deals as now_deals from {batch} as n join {batch} as b on n.profile = b.profile "
            "and n.segment = b.segment and n.region = b.region and n.quarter_start = b.quarter_start "
            "where n.is_latest and not b.is_latest and b.vintage_status = 'known' and b.deals >= 20 "
            "and b.known_at = (select max(l.known_at) from {batch} as l where not l.is_latest) "
            "and abs(coalesce(n.amount_usd, 0) - b.amount_usd) > 0.25 * b.amount_usd",
            "within 25% of the amount at the last quarter end",
        ),
        follows(
            "change_is_against_the_first",
            GRAIN,
            "amount_change_ratio",
            "cast(amount_usd as double) / nullif(cast(first_amount_usd as double), 0) - 1",
            "The definition; the other way round a quarter that filled up has shrunk.",
            "amount / first amount − 1",
            "amount_change_ratio is not null",
        ),
    ),
)
