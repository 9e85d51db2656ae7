"""fct_index_breadth_daily: what the members did, one row an index and day."""

from expectations.vocabulary import Measure, Suite, between, key_checks, no_rows, within_cut

GRAIN = ("index_code", "trade_date")

SUITE = Suite(
    table="marts.fct_index_breadth_daily",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("price_coverage", 0, 1 + 1e-6, "A share of weight; 1e-6 for sums of doubles."),
        between("weight_advancing", 0, 1 + 1e-6, "A share of weight; 1e-6 for sums of doubles."),
        between("top10_weight", 0, 1 + 1e-6, "A share of weight; 1e-6 for sums of doubles."),
        between("hhi", 0, 1 + 1e-6, "A sum of squares of shares that sum to 1."),
        no_rows(
            "counts_add_up",
            "critical",
            "Every member is counted once, under its own sign, or has no price or no open market.",
            "select b.index_code, b.trade_date, b.advancers, c.up, b.decliners, c.down, b.unchanged, "
            "b.suspended, c.flat "
            "from {batch} as b left join (select index_code, trade_date, "
            "count(case when change_ratio > 0 then 1 end) as up, count(case when change_ratio < 0 then 1 end) as down, "
            "count(case when change_ratio = 0 then 1 end) as flat from marts.fct_constituent_daily where trade_date "
            ">= {since} "
            "group by index_code, trade_date) as c on b.index_code = c.index_code and b.trade_date = c.trade_date "
            "where b.advancers <> coalesce(c.up, 0) or b.decliners <> coalesce(c.down, 0) "
            "or b.unchanged + b.suspended > coalesce(c.flat, 0)",
            "the members' own counts",
            reach=0,
        ),
        no_rows(
            "residual_is_what_is_left",
            "critical",
            "Index change minus the known contributions; 1e-9 for sums of doubles.",
            "select b.index_code, b.trade_date, b.index_change_ratio, c.explained, b.contribution_residual "
            "from {batch} as b left join (select index_code, trade_date, sum(contribution_ratio) as explained "
            "from marts.fct_constituent_daily where trade_date >= {since} group by index_code, trade_date) as c "
            "on b.index_code = c.index_code and b.trade_date = c.trade_date "
            "where abs(b.contribution_residual - (b.index_change_ratio - coalesce(c.explained, 0))) > 1e-9",
            "index change − Σ contributions",
            "G15",
            Measure(
                "select max(abs(contribution_residual)) * 1e4, median(abs(contribution_residual)) * 1e4 from {batch}",
                "largest residual {:.1f} bp, median {:.2f} bp",
            ),
            reach=0,
        ),
        no_rows(
            "weights_are_the_members",
            "critical",
            "Taken from the members' start-of-day weights (contracts R30); 1e-9 for sums of doubles.",
            "select b.index_code, b.trade_date, b.weight_advancing, c.advancing, b.top10_weight, c.top10, b.hhi, "
            "c.squares, b.price_coverage, c.covered from {batch} as b join (select index_code, trade_date, "
            "sum(case when change_ratio > 0 then weight else 0 end) as advancing, "
            "sum(case when place <= 10 then weight else 0 end) as top10, sum(weight * weight) as squares, "
            "sum(case when change_ratio is not null then weight else 0 end) as covered from (select *, row_number() "
            "over "
            "(partition by index_code, trade_date order by weight desc nulls last, security_code nulls last) as place "
            "from marts.fct_constituent_daily where trade_date >= {since}) as ranked group by index_code, "
            "trade_date) as c "
            "on b.index_code = c.index_code and b.trade_date = c.trade_date "
            "where abs(b.weight_advancing - c.advancing) > 1e-9 or abs(b.top10_weight - c.top10) > 1e-9 "
            "or abs(b.hhi - c.squares) > 1e-9 or abs(b.price_coverage - c.covered) > 1e-9",
            "sums over the members' weights",
            reach=0,
        ),
        no_rows(
            "change_is_the_index",
            "critical",
            "The change of the index's own bar.",
            "select b.index_code, b.trade_date, b.index_change_ratio, i.change_ratio from {batch} as b "
            "left join (select * from marts.fct_index_daily where trade_date >= {since}) as i on b.index_code = "
            "i.index_code and b.trade_date = i.trade_date "
            "where b.index_change_ratio is distinct from i.change_ratio",
            "change_ratio of fct_index_daily",
            reach=0,
        ),
        no_rows(
            "every_day_of_members_has_its_row",
            "critical",
            "Members without a row of breadth are members that no one counted.",
            "select c.index_code, c.trade_date from (select distinct index_code, trade_date from "
            "marts.fct_constituent_daily where trade_date >= {since}) "
            "as c left join {batch} as b on c.index_code = b.index_code and c.trade_date = b.trade_date "
            "where b.index_code is null",
            "a row for each day of members",
            "G12",
            reach=0,
        ),
        no_rows(
            "prices_cover_the_index",
            "warning",
            "Breadth and contributions of a part: nine tenths of the weight leave room for a member or two.",
            "select index_code, trade_date, price_coverage from {batch} where price_coverage < 0.9",
            "at least 0.9 of the weight",
            "G15",
            reach=0,
        ),
    ),
)
