"""Tushare Pro: daily bars, shares, net asset values, weights, Hong Kong bars, visits, sectors, Connect lists.

Row limits, parameters and fields are those of each interface's document on tushare.pro (numbers in the code). Answers
land as the JSON that came; ``dialects.tushare`` reads them. Belongs here: how a question is cut into answers that fit
the limits. Does not belong here: the envelope (``client``), units and codes (``dialects``).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from orchestration.providers.delivery import Dataset, Delivery, MalformedError, Market, RefusedError, Time, Wanted
from orchestration.providers.transport import Transport
from orchestration.providers.tushare.client import PROVIDER, TOKEN_MISSING, pages, token

CLIENT_VERSION = "1"
"""Of the questions below: raised when their fields or slices change."""

FUND_DAILY = (127, 2000, "ts_code trade_date open high low close pre_close vol amount | change pct_chg")
ETF_SHARE_SIZE = (408, 5000, "trade_date ts_code total_share | etf_name total_size nav close exchange")
FUND_NAV = (119, 2000, "ts_code ann_date nav_date unit_nav accum_nav | accum_div net_asset total_netasset adj_nav")
INDEX_WEIGHT = (96, 2000, "index_code con_code trade_date weight")
HK_DAILY = (192, 5000, "ts_code trade_date open high low close pre_close vol amount | change pct_chg")
STK_SURV = (
    275,
    100,
    "ts_code surv_date fund_visitors rece_mode rece_org org_type | name rece_place comp_rece content",
)
INDEX_MEMBER_ALL = (
    335,
    2000,
    "l1_code l1_name l2_code l2_name l3_code l3_name ts_code in_date out_date | name is_new",
)
STOCK_HSGT = (398, 2000, "ts_code trade_date type | name type_name")
"""Document, most rows per answer, fields: those without which an answer is refused, and those that are kept where they
come. ``fund_daily`` was limited to 2,000 rows before 5,000; ``fund_nav`` and ``index_weight`` tell no limit, so the
smallest of the others is kept."""

HSGT_BEGINS = dt.date(2025, 8, 12)
SOUTHBOUND = ("SH_HK", "SZ_HK")
"""Channels from the mainland to Hong Kong; the other two are northbound."""


def _ask(
    transport: Transport,
    api: str,
    table: str,
    document: tuple[int, int, str],
    params: Mapping[str, str],
    name: str,
    about: str,
    day: dt.date | None = None,
) -> Iterator[Delivery]:
    """One question, a delivery for each of its pages."""
    _, most, fields = document
    needed, _, kept = fields.partition("|")
    asked = f"Tushare {api}, {about}"
    for page in pages(transport, api, params, tuple(needed.split()), tuple(kept.split()), most, asked):
        yield Delivery(
            table=table,
            name=f"{api}/{name}{f'-page{page.number}' if page.number > 1 else ''}.json",
            content=page.content,
            rows=len(page.items),
            asked=asked,
            page=page.number,
            day=day,
            columns=page.fields,
            repeated=page.repeated,
        )


def _day(date: dt.date) -> str:
    return f"{date:%Y%m%d}"


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for number in range((last - first).days + 1):
        yield first + dt.timedelta(days=number)


def _weekdays(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (day for day in _days(first, last) if day.weekday() < 5)


def by_etf(
    transport: Transport, wanted: Wanted, *, api: str, table: str, document: tuple[int, int, str]
) -> Iterator[Delivery]:
    """An interface that takes one fund and a span."""
    span = {"start_date": _day(wanted.since), "end_date": _day(wanted.until)}
    for etf in wanted.etfs:
        name = f"{etf}-{span['start_date']}-{span['end_date']}"
        about = f"{etf}, {wanted.since} to {wanted.until}"
        yield from _ask(transport, api, table, document, {"ts_code": etf, **span}, name, about)


def index_weight(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Weights of one index and month, the span its document advises. Hang Seng indices have no weights there."""
    for index in wanted.indices:
        month = wanted.since.replace(day=1)
        while month <= wanted.until and not index.endswith(".HI"):
            end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
            params = {"index_code": index, "start_date": _day(month), "end_date": _day(end)}
            about = f"{index}, {month:%Y-%m}"
            name = f"{index}-{month:%Y%m}"
            yield from _ask(transport, "index_weight", "index_weights", INDEX_WEIGHT, params, name, about)
            month = end + dt.timedelta(days=1)


def hk_daily(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Bars of the Hong Kong securities watched, by code; of the whole market by day (2,600 rows) when none is."""
    table, ask = "security_bars", partial(_ask, transport, "hk_daily")
    watched = [code for code in wanted.securities if code.endswith(".HK")]
    span = {"start_date": _day(wanted.since), "end_date": _day(wanted.until)}
    for code in watched:
        name, about = f"{code}-{span['start_date']}-{span['end_date']}", f"{code}, {wanted.since} to {wanted.until}"
        yield from ask(table, HK_DAILY, {"ts_code": code, **span}, name, about)
    if not watched:
        for day in _weekdays(wanted.since, wanted.until):
            yield from ask(table, HK_DAILY, {"trade_date": _day(day)}, _day(day), f"whole market, {day}", day)


def stk_surv(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Visits of one day, a hundred rows a page."""
    for day in _days(wanted.since, wanted.until):
        params = {"trade_date": _day(day)}
        yield from _ask(transport, "stk_surv", "broker_visits", STK_SURV, params, _day(day), str(day), day)


def index_member_all(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Every membership in Shenwan's sectors. The default leaves out those that have ended: both are asked for.

    Raises ``MalformedError`` when there is no current member at all.
    """
    for is_new, word in (("Y", "current"), ("N", "ended")):
        rows = 0
        name = f"{_day(wanted.until)}-{word}"
        about = f"{word} members"
        params = {"is_new": is_new}
        for page in _ask(transport, "index_member_all", "sector_members", INDEX_MEMBER_ALL, params, name, about):
            rows += page.rows
            yield page
        if is_new == "Y" and not rows:
            raise MalformedError(
                "Tushare index_member_all: no current member, which cannot be: it may be throttling, fetch again later"
            )


def stock_hsgt(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """What may be traded southbound, a list for each channel and day. Raises ``RefusedError`` before the first list."""
    if wanted.until < HSGT_BEGINS:
        raise RefusedError(f"Tushare stock_hsgt begins on {HSGT_BEGINS}: ask for a span that reaches it")
    for day in _weekdays(max(wanted.since, HSGT_BEGINS), wanted.until):
        for channel in SOUTHBOUND:
            params = {"trade_date": _day(day), "type": channel}
            name, about = f"{_day(day)}-{channel}", f"{channel}, {day}"
            yield from _ask(transport, "stock_hsgt", "connect_eligibility", STOCK_HSGT, params, name, about, day)


def _missing() -> str | None:
    return None if token() else TOKEN_MISSING


def _client_version() -> str:
    return CLIENT_VERSION


def _dataset(
    name: str,
    table: str,
    description: str,
    deliver: Callable[[Transport, Wanted], Iterator[Delivery]],
    look_back_days: int,
    session_market: Market | None = None,
    times: tuple[Time, ...] = ("evening",),
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        tables=(table,),
        description=description,
        deliver=deliver,
        client_version=_client_version,
        session_market=session_market,
        look_back_days=look_back_days,
        times=times,
        missing=_missing,
    )


DATASETS: tuple[Dataset, ...] = (
    _dataset(
        "fund_daily",
        "etf_bars",
        "Daily bars of the ETFs watched.",
        partial(by_etf, api="fund_daily", table="etf_bars", document=FUND_DAILY),
        7,
        "SZSE",
    ),
    _dataset(
        "etf_share_size",
        "etf_shares",
        "Share counts of the ETFs watched; complete after 19:00, funds on foreign markets later.",
        partial(by_etf, api="etf_share_size", table="etf_shares", document=ETF_SHARE_SIZE),
        10,
        "SZSE",
        ("daily", "evening"),
    ),
    _dataset(
        "fund_nav",
        "etf_nav",
        "Net asset values of the ETFs watched, with the day of their publication.",
        partial(by_etf, api="fund_nav", table="etf_nav", document=FUND_NAV),
        14,
        "SZSE",
        ("daily", "evening"),
    ),
    _dataset(
        "index_weight",
        "index_weights",
        "Monthly weights of the indices watched.",
        index_weight,
        40,
        times=("daily",),
    ),
    _dataset("hk_daily", "security_bars", "Daily bars of Hong Kong securities; after 18:00.", hk_daily, 5, "HK"),
    _dataset(
        "stk_surv",
        "broker_visits",
        "Institutions' visits to companies; without notice days.",
        stk_surv,
        14,
        times=("daily",),
    ),
    _dataset(
        "index_member_all",
        "sector_members",
        "Members of Shenwan's sectors, past ones too.",
        index_member_all,
        7,
        times=("weekly",),
    ),
    _dataset(
        "stock_hsgt",
        "connect_eligibility",
        "What may be traded southbound, by day, since 2025-08-12; after 09:20.",
        stock_hsgt,
        1,
        "SOUTHBOUND",
    ),
)
