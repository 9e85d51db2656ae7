"""fct_constituent_daily: drifted weights and contributions."""

from expectations.vocabulary import Measure, Suite, between, key_checks, known, no_rows, within_cut

GRAIN = ("index_code", "trade_date", "security_code")

SUITE = Suite(
    table="marts.fct_constituent_daily",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        known("weight", "A member without a weight is missing from every sum."),
        between("weight", 0, 1, "A weight is a ratio: 9.52% is 0.0952."),
        between("change_ratio", -1, 1000, "A thousandfold day is a unit slip.", name="change_not_absurd", gate="G1"),
        no_rows(
            "weights_sum_to_one",
            "critical",
            "Weights are normalised over the set (contracts R30); 1e-6 leaves room for thousands of doubles.",
            "select index_code, trade_date, sum(weight) as total from {batch} group by index_code, trade_date "
            "having abs(sum(weight) - 1) > 1e-6",
            "1 within 1e-6",
            "G4",
            Measure(
                "select max(abs(total - 1)) from (select sum(weight) as total from {batch} "
                "group by index_code, trade_date) as sums",
                "largest |Σ − 1| {:.1e}",
            ),
            reach=0,
        ),
        no_rows(
            "contribution_is_weight_times_change",
            "critical",
            "The definition; 1e-12 is the noise of one multiplication.",
            "select index_code, trade_date, security_code, weight, change_ratio, contribution_ratio from {batch} "
            "where (contribution_ratio is null) <> (change_ratio is null) "
            "or abs(contribution_ratio - weight * change_ratio) > 1e-12 * greatest(1, abs(change_ratio))",
            "weight × change",
            reach=0,
        ),
        no_rows(
            "weights_drift_with_prices",
            "warning",
            "Within a set a weight is that of the day before, grown by the member's change and normalised (contracts "
            "R30). "
            "Another set's weights, equal weights and weights that stand still break it; 1e-9 for sums of doubles.",
            "select w.index_code, w.trade_date, w.security_code, w.weight, w.grown / w.total as expected "
            "from (select *, "
            "sum(grown) over (partition by index_code, trade_date) as total from (select *, "
            "lag(trade_date) over (partition by index_code, weight_date, security_code order by trade_date nulls last) "
            "as day_before, "
            "lag(weight * (1 + coalesce(change_ratio, 0))) over (partition by index_code, weight_date, security_code "
            "order by trade_date nulls last) as grown from {batch}) as days) as w "
            "join marts.dim_date as d on w.trade_date = d.date "
            # members move on sessions without a bar of the index, which have no rows
            "where w.day_before >= greatest(d.previous_session_szse, d.previous_session_hk) "
            "and abs(w.weight - w.grown / w.total) > 1e-9",
            "weight before · (1 + change), normalised",
            "G15",
            reach=30,
        ),
        no_rows(
            "change_is_the_securitys",
            "warning",
            "A member has the change that its own bars have.",
            "select m.index_code, m.trade_date, m.security_code, m.change_ratio, r.change_ratio as of_its_bars "
            "from {batch} as m join (select * from work.intermediate.int_security_returns where trade_date >= "
            "{since}) as r "
            "on m.security_code = r.security_code "
            "and m.trade_date = r.trade_date where m.change_ratio is distinct from r.change_ratio",
            "the security's own change",
            "G9",
            reach=0,
        ),
    ),
)
