"""fct_funding_round: the rounds behind the quarters."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("round_uuid",)

SUITE = Suite(
    table="marts.fct_funding_round",
    owner="funding",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("segment", ("innovative_drugs", "all"), "Readers filter on these words."),
        in_set("region", ("USA", "CHN", "HKG", "ROW"), "Readers filter on these words."),
        between("raised_amount_usd", 0, None, "Money raised; the door refuses negative amounts."),
        no_rows(
            "rounds_add_up_to_the_quarter",
            "critical",
            "Whoever sums rounds must get the quarter, to the cent and to the deal.",
            "select q.quarter_start, q.deals, q.amount_usd, r.deals as rounds, r.amount_usd as rounds_usd "
            "from marts.fct_funding_quarterly as q left join (select quarter_start, count(*) as deals, "
            "sum(raised_amount_usd) as amount_usd from {batch} where in_vc_pe_broad group by quarter_start) as r "
            "on q.quarter_start = r.quarter_start where q.profile = 'vc_pe_broad' and q.segment = 'all' "
            "and q.region = 'GLOBAL' and (q.deals <> coalesce(r.deals, 0) "
            "or coalesce(q.amount_usd, 0) <> coalesce(r.amount_usd, 0))",
            "Σ rounds = quarter",
        ),
    ),
)
