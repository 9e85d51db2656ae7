"""fct_etf_intraday: quotes of the session."""

from expectations.vocabulary import Suite, between, key_checks, no_rows, within_cut

GRAIN = ("etf_code", "quote_ts")

SUITE = Suite(
    table="marts.fct_etf_intraday",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd", gate="G1"),
        no_rows(
            "turnover_does_not_fall",
            "warning",
            "Turnover of a session only grows; a fall means mixed feeds or a corrected print.",
            "select etf_code, quote_ts, turnover_cny, before from (select etf_code, quote_ts, turnover_cny, "
            "max(turnover_cny) over (partition by etf_code, cast(quote_ts as date) order by quote_ts nulls last "
            "rows between unbounded preceding and 1 preceding) as before from {batch}) as quotes "
            "where turnover_cny < before",
            "never below an earlier quote of the day",
            "G9",
        ),
    ),
)
