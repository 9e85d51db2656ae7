"""fct_funding_quarterly: venture funding by profile, segment, region and quarter."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("profile", "segment", "region", "quarter_start")

SUITE = Suite(
    table="marts.fct_funding_quarterly",
    owner="funding",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("profile", ("cb_news_venture", "vc_pe_broad"), "Readers filter on these words."),
        in_set("segment", ("innovative_drugs", "all"), "Readers filter on these words."),
        in_set("region", ("GLOBAL", "USA", "CHN", "HKG", "ROW"), "Readers filter on these words."),
        between("amount_usd", 0, None, "Money raised; the door refuses negative amounts."),
        between("deals", 0, None, "A count."),
        between("disclosed_share", 0, 1, "A share of deals."),
        between("yoy_latest", -1, None, "A sum of money cannot fall by more than all of it."),
        between("yoy_lag_matched", -1, None, "A sum of money cannot fall by more than all of it."),
        no_rows(
            "regions_conserve_global",
            "critical",
            "USA, CHN, HKG and ROW are all there is: to the cent and to the deal (contracts R52).",
            "select profile, segment, quarter_start, "
            "sum(case when region = 'GLOBAL' then coalesce(amount_usd, 0) else 0 end) as global_usd, "
            "sum(case when region <> 'GLOBAL' then coalesce(amount_usd, 0) else 0 end) as regions_usd, "
            "sum(case when region = 'GLOBAL' then deals else 0 end) as global_deals, "
            "sum(case when region <> 'GLOBAL' then deals else 0 end) as regions_deals from {batch} "
            "group by profile, segment, quarter_start "
            "having sum(case when region = 'GLOBAL' then deals else -deals end) <> 0 "
            "or sum(case when region = 'GLOBAL' then coalesce(amount_usd, 0) else -coalesce(amount_usd, 0) end) <> 0 "
            "or count(*) <> 5",
            "Σ regions = GLOBAL",
            "G13",
        ),
        no_rows(
            "profiles_and_segments_nest",
            "critical",
            "The broad profile holds the narrow one and `all` every segment.",
            "select n.profile, n.segment, n.region, n.quarter_start, n.deals, w.profile as in_profile, "
            "w.segment as in_segment, w.deals as in_deals from {batch} as n join {batch} as w "
            "on n.region = w.region and n.quarter_start = w.quarter_start "
            "and ((n.profile = 'cb_news_venture' and w.profile = 'vc_pe_broad' and n.segment = w.segment) "
            "or (n.segment = 'innovative_drugs' and w.segment = 'all' and n.profile = w.profile)) "
            "where n.deals > w.deals or coalesce(n.amount_usd, 0) > coalesce(w.amount_usd, 0)",
            "narrow ≤ wide",
        ),
        no_rows(
            "quarter_starts_a_quarter",
            "critical",
            "Growth compares quarters four rows apart.",
            "select profile, segment, region, quarter_start from {batch} "
            "where quarter_start <> date_trunc('quarter', quarter_start)",
            "first day of a quarter",
        ),
    ),
)
