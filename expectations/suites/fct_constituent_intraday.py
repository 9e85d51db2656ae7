"""fct_constituent_intraday: members by change at each quote."""

from expectations.vocabulary import Suite, between, key_checks, no_rows, within_cut

GRAIN = ("index_code", "quote_ts", "security_code")

SUITE = Suite(
    table="marts.fct_constituent_intraday",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("weight", 0, 1, "A weight is a ratio: 9.52% is 0.0952."),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd"),
        no_rows(
            "rank_follows_change",
            "critical",
            "Each rank is given once, 1 to the highest change; 1e-12, as equal ratios differ in the last bit "
            "of a double.",
            "select index_code, quote_ts, security_code, rank_in_index, change_ratio, better from (select *, "
            "lag(change_ratio) over (partition by index_code, quote_ts order by rank_in_index nulls last) as better, "
            "row_number() over (partition by index_code, quote_ts order by rank_in_index nulls last) as place "
            "from {batch} where rank_in_index is not null) as ranked "
            "where rank_in_index <> place or change_ratio > better + 1e-12",
            "1, 2, 3 … by falling change",
        ),
    ),
)
