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
            "count(case when change_ratio = 0 then 1 end) as flat from marts.fct_constituent_daily "
            "group by index_code, trade_date) as c on b.index_code = c.index_code and b.trade_date = c.trade_date "
            "where b.advancers <> coalesce(c.up, 0) or b.decliners <> coalesce(c.down, 0) "
            "or b.unchanged + b.suspended > coalesce(c.flat, 0)",
            "the members' own counts",
        ),
        no_rows(
            "residual_is_what_is_left",
            "critical",
            "Index change minus the known contributions; 1e-9 for sums of doubles.",
            "select b.index_code, b.trade_date, b.index_change_ratio, c.explained, b.contribution_residual "
            "from {batch} as b left join (select index_code, trade_date, sum(contribution_ratio) as explained "
            "from marts.fct_constituent_daily group by index_code, trade_date) as c "
            "on b.index_code = c.index_code and b.trade_date = c.trade_date "
            "where abs(b.contribution_residual - (b.index_change_ratio - coalesce(c.explained, 0))) > 1e-9",
            "index change − Σ contributions",
            "G15",
            Measure(
                "select max(abs(contribution_residual)) * 1e4, median(abs(contribution_residual)) * 1e4 from {batch}",
                "largest residual {:.1f} bp, median {:.2f} bp",
            ),
        ),
    ),
)
