"""Traces of the marts of venture funding: the rounds that count, the ones before that let them in, vintages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb

from orchestration.tracing.parts import Key, Part, listed, one

_WITH_HONG_KONG = "with_hong_kong_"
_FIRST_REGION = "first_region_"
_FIRST_REGION_OF_DEAL = (
    "coalesce((select f.first_region from release.marts.fct_funding_round f "
    "where f.round_uuid = d.round_uuid), d.region)"
)
_GROWTH_LATEST = ("yoy_latest", "base_amount_usd", "base_share", "implied_rest_yoy")
_GROWTH_MATCHED = ("yoy_lag_matched", "base_amount_known_year_ago_usd")


def _group(key: Key) -> tuple[str, tuple[Any, ...]]:
    """A condition on ``deals`` for a profile, segment, region and stage, without the quarter.

    ``region``: also ``CHN+HKG``; under ``first_region`` the region that was known first.
    """
    where, values = f"d.in_{key['profile']}", []
    if key.get("segment") != "all":
        where += " and d.is_innovative_drugs"
    if key.get("region", "GLOBAL") != "GLOBAL":
        regions = key["region"].split("+")
        where += f" and d.region in ({', '.join('?' * len(regions))})"
        values += regions
    if key.get("first_region", "GLOBAL") != "GLOBAL":
        where += f" and {_FIRST_REGION_OF_DEAL} = ?"
        values.append(key["first_region"])
    if "category" in key:
        where += " and " + _CATEGORY
        values.append(f"%,{key['category']},%")
    if "stage" in key:
        where += " and d.stage = ?"
        values.append(key["stage"])
    return where, tuple(values)


_CATEGORY = (
    "d.org_uuid in (select o.org_uuid from organizations o where ',' || regexp_replace(lower(trim(o.category_list)), "
    "'[ ]*[,;|][ ]*', ',', 'g') || ',' like ?)"
)


def _rounds(key: Key, first: dt.date, last: dt.date, role: str, moment: dt.datetime | None = None) -> list[Part]:
    """Rounds of quarters that begin between two days, the earlier rounds that let them in, their organizations."""
    group, values = _group(key)
    chosen = f"select d.round_uuid from deals d where d.quarter_start between ? and ? and {group}"
    bound = (first, last, *values)
    then = f", as known on {moment.date()}" if moment else ""
    earlier = (
        "round_uuid in (select e.round_uuid from known_rounds e join known_rounds d on d.org_uuid = e.org_uuid "
        "and e.announced_on < d.announced_on where ((d.cb_news_venture = 'after_seed_or_venture' and "
        "e.is_seed_or_venture) or (d.cb_news_venture = 'after_venture' and e.is_venture)) "
        f"and d.round_uuid in ({chosen}))"
    )
    organizations = f"org_uuid in (select r.org_uuid from funding_rounds r where r.round_uuid in ({chosen}))"
    return [
        Part("funding_rounds", role + then, f"round_uuid in ({chosen})", bound, False, moment),
        Part(
            "funding_rounds",
            f"earlier rounds, which let corporate and private equity rounds in{then}",
            earlier,
            bound,
            False,
            moment,
        ),
        Part("organizations", f"categories and countries{then}", organizations, bound, False, moment),
    ]


def _year_before(day: dt.date) -> dt.date:
    return day.replace(year=day.year - 1)


def _months_before(day: dt.date, months: int) -> dt.date:
    place = day.year * 12 + day.month - 1 - months
    return dt.date(place // 12, place % 12 + 1, 1)


def quarterly(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_funding_quarterly``, and by stage: the rounds of the quarter; for growth those of the base."""
    if column.startswith(_WITH_HONG_KONG) and key["region"] == "CHN":
        return quarterly(con, {**key, "region": "CHN+HKG"}, column.removeprefix(_WITH_HONG_KONG))
    if column.startswith(_FIRST_REGION):
        pinned = {**key, "region": "GLOBAL", "first_region": key["region"]}
        return quarterly(con, pinned, column.removeprefix(_FIRST_REGION))
    start = key["quarter_start"]
    now = _rounds(key, start, start, f"rounds of the quarter that begins {start}")
    base = _year_before(start)
    role = f"rounds of the quarter that begins {base}"
    if column in _GROWTH_LATEST:
        latest = _rounds(key, base, base, role)
        if column == "base_amount_usd":
            return latest
        if column == "base_share":
            return [*latest, *_rounds({**key, "region": "GLOBAL"}, base, base, f"{role}, whole world")]
        return [*now, *latest]
    if column in _GROWTH_MATCHED:
        year_ago = one(con, "select as_of - interval 1 year from cut")
        then = _rounds(key, base, base, role, year_ago)
        return then if column == "base_amount_known_year_ago_usd" else [*now, *then]
    if column == "completeness":
        first, last = _months_before(start, 24), _months_before(start, 3)
        told = f"rounds of the quarters from {first} to {last}, of which those known at the same age are counted"
        return _rounds(key, first, last, told)
    if column in ("profile", "stage"):
        return [listed("investment_types", "types of the profile", "true")]
    if column == "segment":
        return [listed("segment_categories", "categories of the segment", "segment = ?", key["segment"])]
    if column == "knowledge_at" and not one(
        con, f"select count(*) from funding_rounds where {now[0].where}", *now[0].values
    ):
        latest_word = "knowledge_at = (select max(x.knowledge_at) from funding_rounds x)"
        return [*now, Part("funding_rounds", "latest round known, which dates the zero", latest_word, (), False)]
    if column == "knowledge_at":
        return [*now, *_rounds(key, base, base, role)]
    return now


def category_quarterly(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_funding_category_quarterly``: rounds of organizations that name the category; for growth those of the base.

    Under ``primary`` rounds whose organization names another category of the segment first add nothing.
    """
    if column in ("category", "attribution"):
        return [listed("segment_categories", "categories of the segment", "segment = 'innovative_drugs'")]
    of_segment = {**key, "segment": "innovative_drugs"}
    if column == "knowledge_at":
        return quarterly(con, {name: of_segment[name] for name in of_segment if name != "category"}, column)
    return quarterly(con, of_segment, column)


def _counts(con: duckdb.DuckDBPyConnection, key: Key, quarter: dt.date) -> tuple[int, int]:
    """Rounds of a quarter, and those without an amount."""
    group, values = _group(key)
    row = con.execute(
        "select count(*), count(*) filter (where coalesce(d.raised_amount_usd, 0) = 0) from deals d "
        f"where d.quarter_start = ? and {group}",
        [quarter, *values],
    ).fetchone()
    return row or (0, 0)


def quarterly_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_funding_quarterly``, and by stage: undisclosed amounts, late reports, a base that is none."""
    mart = "fct_funding_stage_quarterly" if "stage" in key else "fct_funding_quarterly"
    row = con.execute(
        "select is_ended, completeness, base_amount_usd, base_amount_known_year_ago_usd "
        f"from release.marts.{mart} where {' and '.join(f'{name} = ?' for name in key)}",
        list(key.values()),
    ).fetchone()
    if row is None or column in (*key, "quarter_end", "is_ended"):
        return []
    is_ended, completeness, base, year_ago_base = row
    start = key["quarter_start"]
    said = []
    quarters = {} if column.startswith("base_") else {start: ""}
    if column in (*_GROWTH_LATEST, *_GROWTH_MATCHED):
        quarters[_year_before(start)] = " of the year before"
    if column not in ("deals", "completeness"):
        for quarter, which in quarters.items():
            deals, silent = _counts(con, key, quarter)
            if silent:
                said.append(f"{silent} of {deals} rounds{which} have no known amount: they add nothing to the sum.")
    if not is_ended:
        said.append("The quarter had not ended at the release's moment.")
    if completeness is not None and completeness < 1:
        said.append(
            f"About {completeness:.0%} of a quarter's deals are usually known at this age; the others come late."
        )
    if column in ("yoy_latest", "implied_rest_yoy") and not base:
        said.append("The base of the growth is 0 or unknown.")
    if column == "yoy_lag_matched" and not year_ago_base:
        said.append("Nothing was known of the base a year before, or the raw data does not reach back a year.")
    return said


def restatement(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_funding_restatement``: the rounds as they were known at a moment, and at the first print."""
    group = {name: key[name] for name in ("profile", "segment", "region", "quarter_start")}
    start, moment = key["quarter_start"], key["known_at"]
    row = con.execute(
        "select is_latest, first_known_at from release.marts.fct_funding_restatement "
        "where profile = ? and segment = ? and region = ? and quarter_start = ? and known_at = ?",
        [*group.values(), moment],
    ).fetchone()
    is_latest, first_known = row or (True, None)
    role = f"rounds of the quarter that begins {start}"
    then = _rounds(group, start, start, role, None if is_latest else moment)
    first = _rounds(group, start, start, f"first print: {role}", first_known) if first_known else []
    if column.startswith("first_"):
        return first
    if column.endswith("_change_ratio") or column == "knowledge_at":
        return [*then, *first]
    return then


def restatement_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_funding_restatement``: vintages that nobody kept."""
    status = one(
        con,
        "select vintage_status from release.marts.fct_funding_restatement "
        "where profile = ? and segment = ? and region = ? and quarter_start = ? and known_at = ?",
        *(key["profile"], key["segment"], key["region"], key["quarter_start"], key["known_at"]),
    )
    if status == "no_vintage":
        return ["The rows carry no stamps and first came in after that moment: what was known then is lost."]
    return []


def one_round(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_funding_round``: the round, its organization, the earlier rounds that decide whether it counts."""
    uuid = key["round_uuid"]
    of_org = "org_uuid = (select r.org_uuid from funding_rounds r where r.round_uuid = ?)"
    own = Part("funding_rounds", "the round", "round_uuid = ?", (uuid,))
    organization = Part("organizations", "the organization", of_org, (uuid,), False)
    earlier = Part(
        "funding_rounds",
        "earlier rounds of the organization",
        f"{of_org} and announced_on < (select r.announced_on from funding_rounds r where r.round_uuid = ?)",
        (uuid, uuid),
        False,
    )
    if column in ("region", "first_region", "segment", "org_name", "primary_category", "segment_categories"):
        return [own, organization]
    if column in ("stage", "in_cb_news_venture", "in_vc_pe_broad"):
        return [own, earlier, listed("investment_types", "what the type means", "true")]
    return [own, earlier, organization] if column == "knowledge_at" else [own]


def one_round_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_funding_round``: an amount that nobody told."""
    amount = one(
        con, "select raised_amount_usd from release.marts.fct_funding_round where round_uuid = ?", key["round_uuid"]
    )
    if amount is None and column in ("raised_amount_usd", "stage"):
        return ["The amount is not disclosed: with one, the sums of its quarter grow and its stage may be another."]
    return []
