"""fct_index_intraday: quotes and the state of the opening gap."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("index_code", "quote_ts")

SUITE = Suite(
    table="marts.fct_index_intraday",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd"),
        in_set(
            "open_state",
            (
                "low_open_now_up",
                "low_open_faded",
                "low_open_still_down",
                "high_open_now_down",
                "high_open_recovered",
                "high_open_still_up",
                "flat_open",
            ),
            "Readers filter on these words.",
        ),
        no_rows(
            "state_agrees_with_quote",
            "critical",
            "`now up` below the previous close, or a turn that never happened, would be told as news.",
            "select index_code, quote_ts, last, change_ratio, open_state, turned_at from {batch} where "
            "(open_state = 'low_open_now_up' and not "
            "(change_ratio > 0 and (turned_at is not null or is_opening_quote))) "
            "or (open_state = 'low_open_faded' and (change_ratio > 0 or turned_at is null)) "
            "or (open_state = 'low_open_still_down' and (change_ratio > 0 or turned_at is not null)) "
            "or (open_state = 'high_open_now_down' and not "
            "(change_ratio < 0 and (turned_at is not null or is_opening_quote))) "
            "or (open_state = 'high_open_recovered' and (change_ratio < 0 or turned_at is null)) "
            "or (open_state = 'high_open_still_up' and (change_ratio < 0 or turned_at is not null)) "
            "or (open_state = 'flat_open' and turned_at is not null) or turned_at > quote_ts",
            "state, sign and turn agree",
        ),
    ),
)
