"""fct_funding_quarterly: venture funding by profile, segment, region and quarter."""

from expectations.vocabulary import Suite, between, follows, in_set, key_checks, no_rows, within_cut

GRAIN = ("profile", "segment", "region", "quarter_start")

ROUNDS = (
    "select p.profile, s.segment, g.region, f.quarter_start, count(*) as deals, sum(f.raised_amount_usd) as "
    "amount_usd, "
    "count(case when f.raised_amount_usd > 0 then 1 end) as disclosed from marts.fct_funding_round as f "
    "join (values ('cb_news_venture'), ('vc_pe_broad')) as p(profile) "
    "on (p.profile = 'vc_pe_broad' and f.in_vc_pe_broad) or (p.profile = 'cb_news_venture' and f.in_cb_news_venture) "
    "join (values ('all'), ('innovative_drugs')) as s(segment) on s.segment = 'all' or f.segment = s.segment "
    "join (values ('GLOBAL'), ('USA'), ('CHN'), ('HKG'), ('ROW')) as g(region) on g.region = 'GLOBAL' or f.region = "
    "g.region "
    "group by p.profile, s.segment, g.region, f.quarter_start"
)
"""The rounds, summed as the quarters are."""

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
            "first_regions_conserve_global",
            "critical",
            "A company that moves is counted in another region, not lost and not twice.",
            "select profile, segment, quarter_start from {batch} group by profile, segment, quarter_start "
            "having sum(case when region = 'GLOBAL' then first_region_deals else -first_region_deals end) <> 0 "
            "or sum(case when region = 'GLOBAL' then coalesce(first_region_amount_usd, 0) "
            "else -coalesce(first_region_amount_usd, 0) end) <> 0",
            "Σ regions = GLOBAL",
            "G13",
        ),
        no_rows(
            "with_hong_kong_is_both",
            "critical",
            "China with Hong Kong is the sum of two rows, growth the quotient of two such sums.",
            "select c.profile, c.segment, c.quarter_start, c.with_hong_kong_amount_usd, c.with_hong_kong_yoy_latest "
            "from {batch} as c join {batch} as h on c.profile = h.profile and c.segment = h.segment "
            "and c.quarter_start = h.quarter_start and h.region = 'HKG' where c.region = 'CHN' and ("
            "coalesce(c.with_hong_kong_amount_usd, 0) <> coalesce(c.amount_usd, 0) + coalesce(h.amount_usd, 0) "
            "or abs(c.with_hong_kong_yoy_latest + 1 - cast(c.with_hong_kong_amount_usd as double) "
            "/ cast(coalesce(c.base_amount_usd, 0) + coalesce(h.base_amount_usd, 0) as double)) > 1e-9)",
            "CHN + HKG",
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
        follows(
            "growth_is_amount_over_base",
            GRAIN,
            "yoy_latest",
            "case when is_ended then cast(amount_usd as double) / nullif(cast(base_amount_usd as double), 0) - 1 end",
            "The definition (contracts R54); percent and plain ratios are other figures.",
            "amount / base − 1",
        ),
        follows(
            "matched_growth_is_amount_over_its_base",
            GRAIN,
            "yoy_lag_matched",
            "cast(amount_usd as double) / nullif(cast(base_amount_known_year_ago_usd as double), 0) - 1",
            "The definition (contracts R54), against what was known a year before.",
            "amount / base known a year ago − 1",
            "yoy_lag_matched is not null",
        ),
        no_rows(
            "base_is_the_year_before",
            "critical",
            "The same quarter a year earlier, as known now.",
            "select n.profile, n.segment, n.region, n.quarter_start, n.base_amount_usd, b.amount_usd as year_before "
            "from {batch} as n join {batch} as b on n.profile = b.profile and n.segment = b.segment and n.region = "
            "b.region "
            "and b.quarter_start = n.quarter_start - interval 1 year "
            "where n.base_amount_usd is not null and n.base_amount_usd is distinct from b.amount_usd",
            "amount of the quarter a year before",
        ),
        no_rows(
            "quarters_are_their_rounds",
            "critical",
            "Whoever sums rounds must get every profile, segment and region, to the cent and to the deal.",
            f"select q.profile, q.segment, q.region, q.quarter_start, q.deals, r.deals as rounds, q.amount_usd, "
            f"r.amount_usd as rounds_usd, q.disclosed_share from {{batch}} as q full outer join ({ROUNDS}) as r "
            "on q.profile = r.profile and q.segment = r.segment and q.region = r.region "
            "and q.quarter_start = r.quarter_start where q.profile is null or q.deals <> coalesce(r.deals, 0) "
            "or coalesce(q.amount_usd, 0) <> coalesce(r.amount_usd, 0) "
            "or abs(q.disclosed_share - r.disclosed * 1.0 / r.deals) > 1e-9",
            "Σ rounds = quarter",
            "G13",
        ),
    ),
)
