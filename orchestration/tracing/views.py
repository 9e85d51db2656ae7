"""Rows that count, where a rule of the contracts picks some of many: views over the raw tables of an explanation.

The releases do not carry the intermediate models, so the few rules that say which raw rows go into a figure stand here
once more, in their words: R20 (which count of a session), R40, R43 and R44 (which visits, whose), R50 to R52 (which
rounds). The tests hold them against the marts. Does not belong here: anything that computes a figure.
"""

from __future__ import annotations

import re
import unicodedata

import duckdb


def _plain(text: str) -> str:
    """A name without the mark of its share class, spaces and full-width forms (contracts R44)."""
    bare = re.sub(r"[ \t]", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"(-[A-Z]+|[ABH]股|[ABH])$", "", bare)


CLOSING_COUNTS = """
create view closing_counts as
select etf_code, share_date, share_basis, trade_date
from (
    select s.etf_code, s.share_date, s.share_basis,
        case
            when s.share_basis = 'open_of_day' then d.previous_session_szse
            when d.is_session_szse then d.date
        end as trade_date
    from etf_shares s join release.marts.dim_date d on d.date = s.share_date
)
where trade_date is not null
qualify row_number() over (
    partition by etf_code, trade_date
    order by case when share_basis = 'close_of_day' then 0 else 1 end, share_date desc
) = 1
"""
"""The count that stands for the close of a session: a closing one, else the next opening one (contracts R20)."""

COMPANIES = """
create view companies as
with seen as (
    select security_code from securities
    union select security_code from broker_visits
    union select security_code from sector_members
),
named as (
    select seen.security_code, nullif(s.issuer_id, '') as issuer_id, nullif(plain_name(s.name_zh), '') as company_name
    from seen left join securities s using (security_code)
),
issuers as (
    select company_name, min(issuer_id) as issuer_id
    from named where company_name is not null and issuer_id is not null group by all
)
select
    named.security_code,
    coalesce(
        'issuer ' || coalesce(named.issuer_id, issuers.issuer_id), 'name ' || named.company_name,
        'code ' || named.security_code
    ) as company_id,
    case
        when named.security_code like '%.HK' then 3
        when named.security_code like '200%.SZ' or named.security_code like '900%.SH' then 2
        else 1
    end as share_class
from named left join issuers using (company_name)
"""
"""The company behind each security (contracts R44)."""

MEMBERSHIPS = """
create view memberships as
select m.*, coalesce(x.sector_code, split_part(m.sector_code, '.', 1)) as sector
from sector_members m
left join release.reference.sectors x
    on x.scheme = m.scheme and x.level = m.level and x.industry_code = split_part(m.sector_code, '.', 1)
"""
"""Sector memberships with industry codes mapped to sector codes (contracts R43)."""

COUNTED_VISITS = """
create view counted_visits as
select v.*, c.company_id
from (
    select *, lag(visit_date) over (
        partition by security_code, visit_way, visitor_org, notice_date order by visit_date
    ) as day_before
    from (
        select *, max(coalesce(notice_date, date '0001-01-01')) over (
            partition by security_code, visit_date, visit_way
        ) as latest_notice
        from broker_visits
    )
    where coalesce(notice_date, date '0001-01-01') = latest_notice
) v
join companies c using (security_code)
where day_before is null or datediff('day', day_before, visit_date) > 1
"""
"""Visits that count: of the latest notice, on the first of consecutive days (contracts R40)."""

KNOWN_ROUNDS = """
create view known_rounds as
select r.*, k.stage as type_stage, k.cb_news_venture, k.vc_pe_broad, k.is_seed_or_venture, k.is_venture
from funding_rounds r join release.reference.investment_types k using (investment_type)
where r.announced_on is not null and (r.deleted_at is null or r.deleted_at > (select as_of from cut))
"""
"""Rounds in force at the moment of ``cut``."""

DEALS = """
create view deals as
with history as (
    select d.round_uuid,
        bool_or(e.is_seed_or_venture) as after_seed, bool_or(e.is_venture) as after_venture
    from known_rounds d
    left join known_rounds e on e.org_uuid = d.org_uuid and e.announced_on < d.announced_on
    where d.cb_news_venture in ('after_seed_or_venture', 'after_venture')
    group by d.round_uuid
),
placed as (
    select d.*, history.after_seed, history.after_venture, o.country_code as org_country,
        o.category_list
    from known_rounds d
    left join history using (round_uuid)
    left join organizations o using (org_uuid)
    where d.vc_pe_broad <> 'never'
)
select
    round_uuid, org_uuid, announced_on, investment_type, raised_amount_usd,
    cast(date_trunc('quarter', announced_on) as date) as quarter_start,
    case when coalesce(org_country, country_code) in ('USA', 'CHN', 'HKG') then coalesce(org_country, country_code)
        else 'ROW' end as region,
    exists (
        select 1 from release.reference.segment_categories c
        where c.segment = 'innovative_drugs'
            and ',' || regexp_replace(lower(trim(category_list)), '[ ]*[,;|][ ]*', ',', 'g') || ','
                like '%,' || c.category || ',%'
    ) as is_innovative_drugs,
    case cb_news_venture
        when 'always' then true
        when 'after_seed_or_venture' then coalesce(after_seed, false)
        when 'after_venture' then coalesce(after_venture, false)
        else false
    end as in_cb_news_venture,
    case vc_pe_broad
        when 'always' then true
        when 'after_seed_or_venture' then coalesce(after_seed, false)
        else false
    end as in_vc_pe_broad,
    case
        when type_stage in ('seed_angel', 'early', 'late') then type_stage
        when type_stage = 'technology_growth' and coalesce(after_venture, false) then 'technology_growth'
        when type_stage = 'technology_growth' then 'private_equity'
        when raised_amount_usd is null or raised_amount_usd = 0 then 'unknown'
        when raised_amount_usd <= 3000000 then 'seed_angel'
        when raised_amount_usd <= 15000000 then 'early'
        else 'late'
    end as stage
from placed
"""
"""Rounds with what the funding marts count them as (contracts R50 to R52), as known at the moment of ``cut``."""


STUDY_EVENTS = """
create temp table if not exists study_events as
select v.security_code, v.visit_date, v.visit_way, v.visitor_org, v.visitor_type, d.next_session_szse as event_session
from held_visits v
left join securities s using (security_code)
join release.marts.dim_date d
    on d.date = cast(greatest(v.knowledge_at, coalesce(s.knowledge_at, v.knowledge_at)) as date)
"""
"""Visits with the session after they became known, on which an event of the study begins."""

HORIZONS = (1, 5, 20)
"""Bars that the study looks ahead."""

STUDY_BARS = f"""
create temp table if not exists study_bars as
with told as (
    select security_code, trade_date,
        row_number() over ordered as place,
        close is null or coalesce(prev_close, last_value(close ignore nulls) over (
            partition by security_code order by trade_date rows between unbounded preceding and 1 preceding
        )) is not null as is_known
    from security_bars
    window ordered as (partition by security_code order by trade_date)
)
select security_code, trade_date, place, {
    ", ".join(
        f"count(case when is_known then 1 end) over (partition by security_code order by place "
        f"rows between current row and {sessions - 1} following) = {sessions} as whole_{sessions}"
        for sessions in HORIZONS
    )
}
from told
"""
"""Bars of securities, numbered; whether the return from each over so many bars is known (contracts R32)."""


VIEWS: tuple[tuple[str, set[str]], ...] = (
    (CLOSING_COUNTS, {"dim_date"}),
    (COMPANIES, set()),
    (MEMBERSHIPS, {"sectors"}),
    (COUNTED_VISITS, set()),
    (KNOWN_ROUNDS, {"investment_types"}),
    (DEALS, {"investment_types", "segment_categories"}),
)
"""Every view and the published tables that it reads: a release of an earlier version may lack one."""


def define(con: duckdb.DuckDBPyConnection) -> None:
    """Create the views over the raw tables and ``cut`` of an explanation's connection, as far as its release goes."""
    con.create_function("plain_name", _plain, ["VARCHAR"], "VARCHAR")
    published = con.execute("select table_name from duckdb_tables() where database_name = 'release'").fetchall()
    names = {name for (name,) in published}
    for view, needs in VIEWS:
        if needs <= names:
            con.execute(view)


def hold_visits(con: duckdb.DuckDBPyConnection) -> None:
    """Reckon once which visits count, as ``held_visits``: every part of a figure of visits asks for them."""
    con.execute("create temp table if not exists held_visits as from counted_visits")


def hold_study(con: duckdb.DuckDBPyConnection) -> None:
    """Reckon once the events of the study and the bars that their returns can begin on."""
    hold_visits(con)
    con.execute(STUDY_EVENTS)
    con.execute(STUDY_BARS)
