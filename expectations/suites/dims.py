"""Dimensions: only what joins rest on. A name may be unknown; a key may not."""

from expectations.vocabulary import Check, Suite, in_set, key_checks, no_rows


def has_row(key: str, *sources: str) -> Check:
    """Each ``key`` of the ``sources`` (``table.column``) has its row."""
    seen = " union ".join(
        f"select {source.rsplit('.', 1)[1]} as code from {source.rsplit('.', 1)[0]}" for source in sources
    )
    return no_rows(
        "every_code_has_its_row",
        "critical",
        "A fact without its row here drops out of every inner join, without a word.",
        f"select s.code from ({seen}) as s left join {{batch}} as d on s.code = d.{key} "
        f"where s.code is not null and d.{key} is null",
        "a row for each code that is used",
        "G3",
    )


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
        no_rows(
            "days_are_those_of_the_calendar",
            "critical",
            "The build counted sessions by its calendar; readers count them here.",
            "select coalesce(c.date, d.date) as date, c.is_session_szse, d.is_session_szse as published "
            "from work.control.trading_calendar as c full outer join {batch} as d on c.date = d.date "
            "where c.date is null or d.date is null or c.is_session_szse is distinct from d.is_session_szse "
            "or c.is_session_hk is distinct from d.is_session_hk "
            "or c.is_southbound_open is distinct from d.is_southbound_open",
            "the build's own calendar",
            "G12",
        ),
    ),
)

ETF = Suite(
    table="marts.dim_etf",
    owner="etf",
    grain=("etf_code",),
    checks=(
        *key_checks(("etf_code",)),
        has_row("etf_code", "marts.fct_etf_daily.etf_code"),
        no_rows(
            "profiles_are_those_delivered",
            "critical",
            "Flows, trackers and structural zeros hang on the index and the unit of a fund.",
            "select p.etf_code, p.tracked_index_code, d.tracked_index_code as published, p.creation_unit, "
            "d.creation_unit as published_unit from work.staging.stg_etf_profiles as p left join {batch} as d "
            "on p.etf_code = d.etf_code where d.etf_code is null "
            "or p.tracked_index_code is distinct from d.tracked_index_code "
            "or (p.creation_unit is not null and p.creation_unit is distinct from d.creation_unit)",
            "as delivered",
            "G16",
        ),
    ),
)

INDEX = Suite(
    table="marts.dim_index",
    owner="index",
    grain=("index_code",),
    checks=(
        *key_checks(("index_code",)),
        has_row("index_code", "marts.fct_index_daily.index_code", "marts.fct_index_membership.index_code"),
        no_rows(
            "hong_kong_indices_are_not_in_yuan",
            "critical",
            "Tracking converts by it. The Stock Connect indices of China Securities quoted in yuan are other codes.",
            "select index_code, currency from {batch} where index_code like '%.HI' and currency <> 'HKD'",
            "HKD or unknown",
        ),
    ),
)

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
        has_row("security_code", "marts.fct_index_membership.security_code"),
        no_rows(
            "market_is_that_of_the_code",
            "critical",
            "The suffix says the exchange.",
            "select security_code, market from {batch} where right(security_code, 3) in ('.SZ', '.SH', '.BJ', '.HK') "
            "and market is distinct from right(security_code, 2)",
            "SZ, SH, BJ or HK as in the code",
        ),
    ),
)

SECTOR = Suite(
    table="marts.dim_sector",
    owner="visits",
    grain=("scheme", "level", "sector_code"),
    checks=(
        *key_checks(("scheme", "level", "sector_code")),
        has_row("sector_code", "marts.fct_sector_daily.sector_code"),
    ),
)

CONCEPT = Suite(
    table="marts.dim_concept",
    owner="index",
    grain=("concept",),
    checks=(*key_checks(("concept",)), has_row("concept", "marts.fct_concept_daily.concept")),
)

CONNECT = Suite(
    table="marts.dim_connect_eligibility",
    owner="index",
    grain=("security_code", "channel", "valid_from"),
    checks=(
        *key_checks(("security_code", "channel", "valid_from")),
        in_set("channel", ("SH_HK", "SZ_HK", "HK_SH", "HK_SZ"), "Southbound is told from northbound by it.", "warning"),
        no_rows(
            "spans_end_after_they_begin",
            "critical",
            "The door refuses such spans; here it means that columns were mixed up.",
            "select security_code, channel, valid_from, valid_to from {batch} where valid_to < valid_from",
            "valid_to at valid_from or later",
            "G8",
        ),
    ),
)
