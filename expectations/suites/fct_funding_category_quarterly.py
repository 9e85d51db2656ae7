"""fct_funding_category_quarterly: the segment of innovative drugs by category, under three attributions."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("profile", "region", "category", "attribution", "quarter_start")

SUITE = Suite(
    table="marts.fct_funding_category_quarterly",
    owner="funding",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("attribution", ("each", "fractional", "primary"), "Readers filter on these words."),
        between("amount_usd", 0, None, "Money raised; the door refuses negative amounts."),
        between("deals", 0, None, "A count."),
        between("yoy_latest", -1, None, "A sum of money cannot fall by more than all of it."),
        no_rows(
            "categories_conserve_the_segment",
            "critical",
            "A round is split or has one place: neither lost nor counted twice. Half a cent a category for rounding; "
            "sums of doubles for the deals. Under `each` a round counts at least once.",
            "select c.profile, c.region, c.attribution, c.quarter_start, c.deals, q.deals as segment_deals, "
            "c.amount_usd, q.amount_usd as segment_usd from (select profile, region, attribution, quarter_start, "
            "sum(deals) as deals, sum(coalesce(amount_usd, 0)) as amount_usd, count(*) as categories from {batch} "
            "group by profile, region, attribution, quarter_start) as c join marts.fct_funding_quarterly as q "
            "on c.profile = q.profile and c.region = q.region and c.quarter_start = q.quarter_start "
            "and q.segment = 'innovative_drugs' where (c.attribution <> 'each' and (abs(c.deals - q.deals) > 1e-6 "
            "or abs(c.amount_usd - coalesce(q.amount_usd, 0)) > 0.01 * c.categories)) "
            "or (c.attribution = 'each' and (c.deals < q.deals or c.amount_usd < coalesce(q.amount_usd, 0)))",
            "Σ fractional = Σ primary = segment ≤ Σ each",
            "G13",
        ),
        no_rows(
            "regions_conserve_global",
            "critical",
            "USA, CHN, HKG and ROW are all there is; half a cent a region for rounding (contracts R52).",
            "select profile, category, attribution, quarter_start from {batch} "
            "group by profile, category, attribution, quarter_start "
            "having abs(sum(case when region = 'GLOBAL' then deals else -deals end)) > 1e-6 or abs(sum(case when "
            "region = 'GLOBAL' then coalesce(amount_usd, 0) else -coalesce(amount_usd, 0) end)) > 0.05",
            "Σ regions = GLOBAL",
            "G13",
        ),
    ),
)
