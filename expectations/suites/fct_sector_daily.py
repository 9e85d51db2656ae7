"""fct_sector_daily: the sector on one row."""

from expectations.vocabulary import Suite, key_checks, no_rows, within_cut

GRAIN = ("sector_code", "trade_date")

SUITE = Suite(
    table="marts.fct_sector_daily",
    owner="desk",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        no_rows(
            "breadth_within_members",
            "critical",
            "More risers and fallers than members means a join that multiplies.",
            "select sector_code, trade_date, members, advancers, decliners from {batch} "
            "where advancers < 0 or decliners < 0 or advancers + decliners > members",
            "advancers + decliners ≤ members",
        ),
    ),
)
