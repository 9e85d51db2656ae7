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
        ),
        no_rows(
            "contribution_is_weight_times_change",
            "critical",
            "The definition; 1e-12 is the noise of one multiplication.",
            "select index_code, trade_date, security_code, weight, change_ratio, contribution_ratio from {batch} "
            "where (contribution_ratio is null) <> (change_ratio is null) "
            "or abs(contribution_ratio - weight * change_ratio) > 1e-12 * greatest(1, abs(change_ratio))",
            "weight × change",
        ),
    ),
)
