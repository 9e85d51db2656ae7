"""fct_funding_stage_quarterly: venture funding by stage."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("profile", "segment", "region", "stage", "quarter_start")

SUITE = Suite(
    table="marts.fct_funding_stage_quarterly",
    owner="funding",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set(
            "stage",
            ("seed_angel", "early", "late", "technology_growth", "private_equity", "unknown"),
            "Readers filter on these words.",
        ),
        between("amount_usd", 0, None, "Money raised; the door refuses negative amounts."),
        no_rows(
            "stages_conserve_the_quarter",
            "critical",
            "A round has one stage: to the cent and to the deal.",
            "select q.profile, q.segment, q.region, q.quarter_start, q.deals, s.deals as stage_deals, q.amount_usd, "
            "s.amount_usd as stage_amount_usd from marts.fct_funding_quarterly as q left join ("
            "select profile, segment, region, quarter_start, sum(deals) as deals, "
            "sum(coalesce(amount_usd, 0)) as amount_usd from {batch} "
            "group by profile, segment, region, quarter_start) as s on q.profile = s.profile "
            "and q.segment = s.segment and q.region = s.region and q.quarter_start = s.quarter_start "
            "where s.deals is null or s.deals <> q.deals or s.amount_usd <> coalesce(q.amount_usd, 0)",
            "Σ stages = quarter",
        ),
        no_rows(
            "stages_are_their_rounds",
            "critical",
            "Whoever sums the rounds of a stage must get it, to the cent and to the deal.",
            "select q.segment, q.region, q.stage, q.quarter_start, q.deals, r.deals as rounds, q.amount_usd, "
            "r.amount_usd as rounds_usd from {batch} as q left join (select stage, region, quarter_start, "
            "count(*) as deals, sum(raised_amount_usd) as amount_usd from marts.fct_funding_round where in_vc_pe_broad "
            "group by stage, region, quarter_start) as r on q.stage = r.stage and q.region = r.region "
            "and q.quarter_start = r.quarter_start where q.profile = 'vc_pe_broad' and q.segment = 'all' "
            "and q.region <> 'GLOBAL' and (q.deals <> coalesce(r.deals, 0) "
            "or coalesce(q.amount_usd, 0) <> coalesce(r.amount_usd, 0))",
            "Σ rounds = stage",
            "G13",
        ),
    ),
)
