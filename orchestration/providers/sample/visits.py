"""Institutional visits since 2024, as the detail pages of the exchange notices list them.

April 2025 is planned: which companies brokers visited by the quote day's morning. Earlier months are drawn. The
sample has amended notices, several people of one institution, and visits listed on two days running.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from orchestration.calendars import sessions
from orchestration.providers.sample.universe import (
    SECTORS,
    UNCLASSIFIED_VISITED,
    Security,
)

ROWS = 40_000
FIRST_MONTH = (2024, 1)
LAST_NOTICE = dt.date(2025, 4, 24)

_KINDS: tuple[tuple[str, str, int, float], ...] = (
    # kind as the provider writes it, ending of the name, institutions, share of rows
    ("证券公司", "证券", 60, 0.34),
    ("基金管理公司", "基金管理有限公司", 80, 0.34),
    ("私募基金管理公司", "私募基金管理有限公司", 70, 0.14),
    ("保险公司", "人寿保险股份有限公司", 18, 0.06),
    ("投资公司", "投资管理有限公司", 40, 0.05),
    ("QFII", "资产管理(香港)有限公司", 14, 0.03),
    ("银行", "银行股份有限公司", 12, 0.02),
    ("其他", "信息服务有限公司", 12, 0.02),
)
_BROKER = "证券公司"
_FIRST = "云海星河金玉青松明德恒泰华岳晨曦远山长风瑞和安澜"
_SECOND = "川岭石林泉峰源达信诚益丰盛通元嘉宁康平昌"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳敏静磊洋勇艳杰娟涛明超霞平刚桂英"
_WAYS = ("特定对象调研", "现场参观", "电话会议", "分析师会议", "业绩说明会", "路演活动")
_BROKER_ENDINGS = ("", "", "股份有限公司", "有限责任公司", "研究所")


@dataclass(frozen=True)
class Visit:
    """One row: an institution at a company on a day."""

    company: Security
    day: dt.date
    way: str
    organisation: str
    kind: str
    people: str
    notice: dt.date | None


def _institutions(rng: np.random.Generator) -> dict[str, list[str]]:
    names = [first + second for first in _FIRST for second in _SECOND]
    order = rng.permutation(len(names))
    found: dict[str, list[str]] = {}
    used = 0
    for kind, ending, count, _ in _KINDS:
        found[kind] = [names[n] + ending for n in order[used : used + count]]
        used += count
    return found


class _Writer:
    """Draws the rows of visits; keeps the institutions and the dice."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.institutions = _institutions(rng)
        self.kinds = [kind for kind, *_ in _KINDS]
        shares = np.array([share for *_, share in _KINDS])
        self.shares = shares / shares.sum()
        others = self.shares * (np.array(self.kinds) != _BROKER)
        self.shares_without_brokers = others / others.sum()

    def person(self) -> str:
        """A made-up name."""
        return _SURNAMES[self.rng.integers(len(_SURNAMES))] + _GIVEN[self.rng.integers(len(_GIVEN))]

    def organisation(self, kind: str) -> str:
        """An institution of that kind; brokers appear under several forms of their name."""
        known = self.institutions[kind]
        name = known[self.rng.integers(len(known))]
        return name + _BROKER_ENDINGS[self.rng.integers(len(_BROKER_ENDINGS))] if kind == _BROKER else name

    def event(
        self, company: Security, day: dt.date, notice: dt.date | None, size: int, brokers: bool, needs_broker: bool
    ) -> list[Visit]:
        """The rows of one visit in notice order, one or two for an institution."""
        way = _WAYS[self.rng.choice(len(_WAYS), p=[0.45, 0.1, 0.2, 0.08, 0.12, 0.05])]
        kinds = list(self.rng.choice(self.kinds, size=size, p=self.shares if brokers else self.shares_without_brokers))
        if needs_broker:
            kinds[0] = _BROKER
        rows, seen = [], set()
        for kind in kinds:
            organisation = self.organisation(str(kind))
            if organisation in seen:
                continue
            seen.add(organisation)
            rows.append(Visit(company, day, way, organisation, str(kind), self.person(), notice))
        if len(rows) > 3 and self.rng.random() < 0.2:
            first = rows[0]
            people = self.person()
            while people == first.people:
                people = self.person()
            rows.append(Visit(first.company, day, way, first.organisation, first.kind, people, notice))
        return rows

    def amended(self, rows: list[Visit], notice: dt.date) -> list[Visit]:
        """The same visit in a later notice: one institution more, and the last one gone unless it is the only one."""
        kept = rows[:-1] if len(rows) > 2 and rows[-1].kind != _BROKER else rows
        base = rows[0]
        taken = {row.organisation for row in rows}
        added = next(name for name in self.institutions["基金管理公司"] if name not in taken)
        again = [Visit(r.company, r.day, r.way, r.organisation, r.kind, r.people, notice) for r in kept]
        again.append(Visit(base.company, base.day, base.way, added, "基金管理公司", self.person(), notice))
        return again


def _following(days: list[dt.date], day: dt.date, steps: int) -> dt.date:
    return days[days.index(day) + steps]


def _april(writer: _Writer, companies: list[Security], days: list[dt.date]) -> list[Visit]:
    """Visits of April 2025: by brokers at exactly the planned number of companies of each sector."""
    rng = writer.rng
    plan: list[tuple[str | None, int]] = [(code, visited) for code, _, _, _, visited in SECTORS]
    plan.append((None, UNCLASSIFIED_VISITED))
    sessions_of_april = [day for day in days if dt.date(2025, 4, 1) <= day <= dt.date(2025, 4, 22)]
    rows: list[Visit] = []
    for sector, visited in plan:
        members = [company for company in companies if company.sector == sector]
        order = rng.permutation(len(members))
        for rank, which in enumerate(order):
            by_brokers = rank < visited
            if not by_brokers and rank >= visited + max(1, visited // 6):
                break
            company = members[which]
            day = sessions_of_april[rng.integers(len(sessions_of_april))]
            # Notices come one or two sessions later; a few companies give no notice date at all.
            notice = None if rng.random() < 0.04 else _following(days, day, int(rng.integers(1, 3)))
            size = int(rng.integers(2, 18))
            event = writer.event(company, day, notice, size, by_brokers, by_brokers)
            rows.extend(event)
            if rng.random() < 0.12:
                again = sessions_of_april[rng.integers(len(sessions_of_april))]
                if abs((again - day).days) > 3:
                    notice_again = _following(days, again, int(rng.integers(1, 3)))
                    rows.extend(writer.event(company, again, notice_again, int(rng.integers(2, 9)), by_brokers, False))
            if notice and notice <= dt.date(2025, 4, 18) and rng.random() < 0.06:
                rows.extend(writer.amended(event, _following(days, notice, 2)))
            elif len(event) > 4 and day <= dt.date(2025, 4, 15) and notice and rng.random() < 0.04:
                following = day + dt.timedelta(days=1)
                if notice >= following:
                    rows.extend(
                        Visit(r.company, following, r.way, r.organisation, r.kind, r.people, notice) for r in event[:3]
                    )
    return rows


def visits(rng: np.random.Generator, companies: list[Security]) -> dict[tuple[int, int], list[Visit]]:
    """Rows by (year, month) of the visit, ``ROWS`` in all."""
    writer = _Writer(rng)
    days = [day for day in sessions("XSHG").sessions if dt.date(2024, 1, 1) <= day <= LAST_NOTICE]
    april = _april(writer, companies, days)
    months = sorted({(day.year, day.month) for day in days} - {(2025, 4)})
    busy = {4: 1.9, 5: 1.5, 8: 1.5, 9: 1.2, 10: 1.3, 11: 1.3, 2: 0.6}
    shares = np.array([busy.get(month, 1.0) for _, month in months])
    quotas = np.floor(shares / shares.sum() * (ROWS - len(april))).astype(int)
    quotas[-1] += ROWS - len(april) - int(quotas.sum())
    found: dict[tuple[int, int], list[Visit]] = {}
    for (year, month), quota in zip(months, quotas, strict=True):
        # The last days before April stay empty, or a visit listed on two days could begin there.
        open_days = [day for day in days if (day.year, day.month) == (year, month) and day <= dt.date(2025, 3, 27)]
        rows: list[Visit] = []
        order = rng.permutation(len(companies))
        turn = 0
        while len(rows) < quota:
            company = companies[order[turn % len(order)]]
            turn += 1
            day = open_days[rng.integers(len(open_days))]
            lag = int(rng.integers(1, 3)) if company.code.endswith(".SZ") else int(rng.integers(1, 9))
            notice = None if rng.random() < 0.03 else _following(days, day, lag)
            event = writer.event(company, day, notice, int(rng.integers(2, 22)), True, False)
            rows.extend(event)
            if notice and rng.random() < 0.03 and len(rows) + len(event) < quota:
                rows.extend(writer.amended(event, _following(days, notice, 3)))
        found[year, month] = rows[:quota]
    found[2025, 4] = april
    return found
