"""Dimensions: only what joins rest on. A name may be unknown; a key may not."""

from expectations.vocabulary import Suite, key_checks, no_rows

DATE = Suite(
    table="marts.dim_date",
    owner="calendar",
    grain=("date",),
    checks=(
        *key_checks(("date",)),
        no_rows(
            "neighbours_around_date",
            "critical",
            "Windows walk along these links; one that points the wrong way walks for ever or skips a day.",
            "select date, previous_session_szse, next_session_szse, previous_session_hk, next_session_hk from {batch} "
            "where previous_session_szse >= date or next_session_szse <= date "
            "or previous_session_hk >= date or next_session_hk <= date",
            "previous before, next after the date",
            "G12",
        ),
        no_rows(
            "half_day_is_session",
            "critical",
            "A shortened session is a session; otherwise its calendar was merged wrongly.",
            "select date from {batch} where (is_half_day_szse and not is_session_szse) "
            "or (is_half_day_hk and not is_session_hk) or (is_half_day_southbound and not is_southbound_open)",
            gate="G12",
        ),
    ),
)

ETF = Suite(table="marts.dim_etf", owner="etf", grain=("etf_code",), checks=key_checks(("etf_code",)))

INDEX = Suite(table="marts.dim_index", owner="index", grain=("index_code",), checks=key_checks(("index_code",)))

SECURITY = Suite(
    table="marts.dim_security",
    owner="index",
    grain=("security_code",),
    checks=(
        *key_checks(("security_code",)),
        no_rows(
            "hong_kong_codes_have_five_digits",
            "critical",
            "Providers pad 01801 to 001801, which reads as a Shenzhen code: one company under two names.",
            "select security_code from {batch} where security_code like '%.HK' and length(security_code) <> 8",
            "five digits and .HK",
            "G2",
        ),
    ),
)

SECTOR = Suite(
    table="marts.dim_sector",
    owner="visits",
    grain=("scheme", "level", "sector_code"),
    checks=key_checks(("scheme", "level", "sector_code")),
)

CONCEPT = Suite(table="marts.dim_concept", owner="index", grain=("concept",), checks=key_checks(("concept",)))

CONNECT = Suite(
    table="marts.dim_connect_eligibility",
    owner="index",
    grain=("security_code", "channel", "valid_from"),
    checks=key_checks(("security_code", "channel", "valid_from")),
)
