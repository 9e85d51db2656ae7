"""The sample as provider files: Chinese headers, lots, percent, 万份 and GB18030 where the providers do that.

Headers and units are those of the akshare, Tushare, exchange, index and Crunchbase files that the dialects read.
Does not belong here: any figure; they come from the simulation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from orchestration.providers.sample.etfs import DECLARED_SPLIT, LATE_NAV, MISSING_SHARES, EtfHistory
from orchestration.providers.sample.files import SampleFile, csv_bytes, frame, gzip_bytes, workbook_bytes
from orchestration.providers.sample.funding import Funding, Organization, Round
from orchestration.providers.sample.market import Bars, Market
from orchestration.providers.sample.moments import LAST_DAY, QUOTE_DAY, quote_times
from orchestration.providers.sample.morning import EtfQuotes, Quotes
from orchestration.providers.sample.universe import Etf, Universe
from orchestration.providers.sample.visits import Visit

GB18030 = "gb18030"
RESTATED_ETF = "159915.SZ"
RESTATED_ON = dt.date(2024, 11, 12)
"""One share count of the workbook is wrong by three creation units until a correction a day later."""

_SINGLE_HONG_KONG_FILES = 25


def _iso(days: Sequence[dt.date]) -> list[str]:
    return [day.isoformat() for day in days]


def _compact(days: Sequence[dt.date]) -> list[str]:
    return [f"{day:%Y%m%d}" for day in days]


def _half_year(day: dt.date) -> str:
    return f"{day.year}H{1 if day.month <= 6 else 2}"


def _percent(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.round(numerator / denominator * 100, 2)


def _whole(values: np.ndarray) -> np.ndarray:
    return np.round(values).astype(np.int64)


def _eastmoney_bars(
    days: Sequence[dt.date], bars: Bars, rows: np.ndarray, column: int | None, lot: int, shares: np.ndarray | None
) -> pl.DataFrame:
    """Header of fund_etf_hist_em and stock_hk_hist; ``lot``: shares in one unit of 成交量."""

    def take(array: np.ndarray) -> np.ndarray:
        return array[rows] if column is None else array[rows, column]

    close, previous, volume = take(bars.close), take(bars.previous), take(bars.volume)
    outstanding = shares[rows] if shares is not None else np.full(len(rows), volume.mean() * 250 + 1)
    return pl.DataFrame(
        {
            "日期": _iso([days[n] for n in rows]),
            "开盘": take(bars.open),
            "收盘": close,
            "最高": take(bars.high),
            "最低": take(bars.low),
            "成交量": _whole(volume / lot),
            "成交额": take(bars.turnover),
            "振幅": _percent(take(bars.high) - take(bars.low), previous),
            "涨跌幅": _percent(close - previous, previous),
            "涨跌额": np.round(close - previous, 4),
            "换手率": _percent(volume, outstanding),
        }
    )


def _tushare_bars(
    codes: Sequence[str], days: Sequence[dt.date], columns: dict[str, np.ndarray], lot: int, thousand: int
) -> pl.DataFrame:
    close, previous = columns["close"], columns["previous"]
    return pl.DataFrame(
        {
            "ts_code": codes,
            "trade_date": _compact(days),
            "open": columns["open"],
            "high": columns["high"],
            "low": columns["low"],
            "close": close,
            "pre_close": previous,
            "change": np.round(close - previous, 4),
            "pct_chg": np.round((close / previous - 1) * 100, 4),
            "vol": _whole(columns["volume"] / lot),
            "amount": np.round(columns["turnover"] / thousand, 5),
        }
    )


_BAR_COLUMNS = ("open", "high", "low", "close", "previous", "volume", "turnover")


def etf_bars(histories: list[EtfHistory], days: Sequence[dt.date]) -> Iterator[SampleFile]:
    """Shenzhen funds one file each, Shanghai funds in one file."""
    for history in histories:
        if history.etf.is_shenzhen:
            own = [days[p] for p in history.positions]
            table = _eastmoney_bars(own, history.bars, np.arange(len(own)), None, 100, history.shares)
            yield SampleFile("etf_bars", f"{history.etf.number}.csv", csv_bytes(table))
    parts = []
    for history in histories:
        if not history.etf.is_shenzhen:
            own = [days[p] for p in history.positions]
            columns = {name: getattr(history.bars, name) for name in _BAR_COLUMNS}
            parts.append(_tushare_bars([history.etf.code] * len(own), own, columns, 100, 1000))
    yield SampleFile("etf_bars", "fund_daily.csv", csv_bytes(pl.concat(parts)))


def etf_quotes(histories: list[EtfHistory], morning: EtfQuotes) -> Iterator[SampleFile]:
    """Snapshots of fund_etf_spot_em, minute after minute in one file."""
    quotes = morning.quotes
    parts = []
    for minute, moment in enumerate(quote_times()):
        last, previous, opening = quotes.last[minute], quotes.previous[minute], quotes.open[minute]
        so_far = quotes.last[: minute + 1]
        high, low = so_far.max(axis=0), so_far.min(axis=0)
        volume, turnover = quotes.volume[minute], quotes.turnover[minute]
        size = np.round(last * morning.shares, 0)
        count = len(histories)
        flows = {
            f"{who}净流入-{what}": np.zeros(count)
            for who in ("主力", "超大单", "大单", "中单", "小单")
            for what in ("净额", "净占比")
        }
        parts.append(
            pl.DataFrame(
                {
                    "代码": [history.etf.number for history in histories],
                    "名称": [history.etf.name_zh for history in histories],
                    "最新价": last,
                    "IOPV实时估值": morning.iopv[minute],
                    "基金折价率": _percent(last - morning.iopv[minute], morning.iopv[minute]),
                    "涨跌额": np.round(last - previous, 3),
                    "涨跌幅": _percent(last - previous, previous),
                    "成交量": _whole(volume / 100),
                    "成交额": turnover,
                    "开盘价": opening,
                    "最高价": high,
                    "最低价": low,
                    "昨收": previous,
                    "振幅": _percent(high - low, previous),
                    "换手率": _percent(volume, morning.shares),
                    "量比": np.ones(count),
                    "委比": np.zeros(count),
                    "外盘": _whole(volume / 200),
                    "内盘": _whole(volume / 100) - _whole(volume / 200),
                    **flows,
                    "现手": np.zeros(count, dtype=np.int64),
                    "买一": np.round(last - 0.001, 3),
                    "卖一": last,
                    "最新份额": morning.shares,
                    "流通市值": size,
                    "总市值": size,
                    "数据日期": [QUOTE_DAY.isoformat()] * count,
                    "更新时间": [f"{moment:%Y-%m-%d %H:%M:%S}+08:00"] * count,
                }
            )
        )
    yield SampleFile("etf_quotes", "fund_etf_spot_2025-04-24.csv", csv_bytes(pl.concat(parts)))


def _opening_counts(history: EtfHistory, days: Sequence[dt.date]) -> Iterator[tuple[dt.date, int]]:
    """Counts before the open: the previous close of day, in the units of the day they carry."""
    own = [days[p] for p in history.positions]
    missing = MISSING_SHARES.get(history.etf.code, ())
    following = [*own[1:], QUOTE_DAY]
    factor = [*history.factor[1:], 1.0]
    for day, share_date, count, k in zip(own, following, history.shares, factor, strict=True):
        if day not in missing:
            yield share_date, int(count) * int(k)


def etf_shares(histories: list[EtfHistory], days: Sequence[dt.date]) -> Iterator[SampleFile]:
    """Workbooks of Shenzhen (open of day), tables of Shanghai and Tushare (close of day), one correction."""
    workbooks: dict[str, list[tuple[str, str, str, str]]] = {}
    correction: tuple[str, str, str, str, str] | None = None
    for history in histories:
        etf = history.etf
        if not etf.is_shenzhen:
            continue
        for day, count in _opening_counts(history, days):
            row = (day.isoformat(), etf.number, etf.name_zh, f"{count:,}")
            if etf.code == RESTATED_ETF and day == RESTATED_ON:
                correction = (*row, "2024-11-13 16:00:00")
                row = (*row[:3], f"{count + 3 * etf.creation_unit:,}")
            workbooks.setdefault(_half_year(day), []).append(row)
    header = ("日期", "基金代码", "基金简称", "基金份额")
    for half, rows in sorted(workbooks.items()):
        content = workbook_bytes(header, sorted(rows), "基金规模")
        yield SampleFile("etf_shares", f"szse_fund_scale_{half}.xlsx", content)
    if correction is None:
        raise ValueError(f"{RESTATED_ETF} has no share count on {RESTATED_ON}")
    content = workbook_bytes((*header, "knowledge_at"), [correction], "更正")
    yield SampleFile("etf_shares", "szse_fund_scale_correction_2024-11-13.xlsx", content)

    shanghai: dict[str, list[tuple[str, Etf, int]]] = {}
    sizes: list[tuple[object, ...]] = []
    for history in histories:
        etf = history.etf
        if etf.is_shenzhen:
            continue
        for t, position in enumerate(history.positions):
            day, count = days[position], int(history.shares[t])
            if day in MISSING_SHARES.get(etf.code, ()):
                continue
            if etf.tushare_shares:
                nav, close = float(history.nav[t]), float(history.bars.close[t])
                sizes.append(
                    (
                        f"{day:%Y%m%d}",
                        etf.code,
                        etf.name_zh,
                        count / 1e4,
                        round(count * nav / 1e4, 4),
                        nav,
                        close,
                        "SSE",
                    )
                )
            else:
                shanghai.setdefault(_half_year(day), []).append((day.isoformat(), etf, count))
    for half, found in sorted(shanghai.items()):
        found.sort(key=lambda item: (item[0], item[1].code))
        counts = [
            (n, etf.number, etf.name_zh, "跨境" if etf.follows_hong_kong else "单市", day, float(count))
            for n, (day, etf, count) in enumerate(found, start=1)
        ]
        table = frame(("序号", "基金代码", "基金简称", "ETF类型", "统计日期", "基金份额"), counts)
        yield SampleFile("etf_shares", f"sse_etf_scale_{half}.csv", csv_bytes(table))
    names = ("trade_date", "ts_code", "etf_name", "total_share", "total_size", "nav", "close", "exchange")
    yield SampleFile("etf_shares", "etf_share_size.csv", csv_bytes(frame(names, sorted(sizes))))


def etf_nav(histories: list[EtfHistory], days: Sequence[dt.date], southbound: np.ndarray) -> Iterator[SampleFile]:
    """Shenzhen funds one Eastmoney file each; Shanghai funds in one Tushare file with announcement dates."""
    parts = []
    for history in histories:
        etf = history.etf
        length = len(history.positions) - (1 if etf.code in LATE_NAV else 0)
        own = [days[p] for p in history.positions[:length]]
        nav, accumulated = history.nav[:length], history.accumulated[:length]
        if etf.is_shenzhen:
            growth = np.round(np.concatenate([[0.0], np.diff(accumulated) / accumulated[:-1] * 100]), 2)
            closed = [etf.follows_hong_kong and not southbound[p] for p in history.positions[:length]]
            table = pl.DataFrame(
                {
                    "净值日期": _iso(own),
                    "单位净值": nav,
                    "累计净值": accumulated,
                    "日增长率": growth,
                    "申购状态": ["暂停申购" if shut else "场内买入" for shut in closed],
                    "赎回状态": ["暂停赎回" if shut else "场内卖出" for shut in closed],
                }
            )
            yield SampleFile("etf_nav", f"{etf.number}.csv", csv_bytes(table))
            continue
        announced = []
        for t, day in enumerate(own):
            # Every fortieth figure comes days late.
            late = 3 if t % 40 == 17 and t < length - 5 else 1
            announced.append(day + dt.timedelta(days=late))
        assets = np.round(nav * history.shares[:length], 2)
        parts.append(
            pl.DataFrame(
                {
                    "ts_code": [etf.code] * length,
                    "ann_date": _compact(announced),
                    "nav_date": _compact(own),
                    "unit_nav": nav,
                    "accum_nav": accumulated,
                    "accum_div": [None] * length,
                    "net_asset": assets,
                    "total_netasset": assets,
                    "adj_nav": accumulated,
                },
                schema_overrides={"accum_div": pl.Float64},
            )
        )
    yield SampleFile("etf_nav", "fund_nav.csv", csv_bytes(pl.concat(parts)))


def etf_master(histories: list[EtfHistory]) -> Iterator[SampleFile]:
    """Profiles and the declared split; the other split is for the warehouse to find."""
    rows = [
        (
            etf.code,
            etf.name_en,
            etf.name_zh,
            etf.manager,
            etf.index,
            etf.listed_on.isoformat(),
            etf.creation_unit,
            etf.calendar or None,
        )
        for etf in (history.etf for history in histories)
    ]
    names = (
        "etf_code",
        "name_en",
        "name_zh",
        "manager",
        "tracked_index_code",
        "listed_on",
        "creation_unit",
        "creation_calendar",
    )
    yield SampleFile("etf_profiles", "etf_profiles.csv", csv_bytes(frame(names, rows), GB18030))
    code, day, k = DECLARED_SPLIT
    table = frame(("etf_code", "effective_date", "numerator", "denominator"), [(code, day.isoformat(), k, 1)])
    yield SampleFile("etf_splits", "etf_splits.csv", csv_bytes(table))


def index_bars(market: Market) -> Iterator[SampleFile]:
    """CNI in GB18030 with 万手 and 亿元, Hang Seng and CSI as akshare has them, the CSI 300 canonical."""
    days = market.clock.days
    for code in ("987018.CNI", "399006.SZ"):
        bars = market.indices[code].bars
        rows = np.flatnonzero(bars.present)
        table = pl.DataFrame(
            {
                "日期": _iso([days[n] for n in rows]),
                "开盘价": bars.open[rows],
                "最高价": bars.high[rows],
                "最低价": bars.low[rows],
                "收盘价": bars.close[rows],
                "涨跌幅": np.round(bars.close[rows] / bars.previous[rows] - 1, 4),
                "成交量": np.round(bars.volume[rows] / 1e6, 2),
                "成交额": np.round(bars.turnover[rows] / 1e8, 2),
            }
        )
        yield SampleFile("index_bars", f"{code}.csv", csv_bytes(table, GB18030))
    for code in ("HSI.HI", "HSTECH.HI"):
        bars = market.indices[code].bars
        rows = np.flatnonzero(bars.present)
        table = pl.DataFrame(
            {
                "date": _iso([days[n] for n in rows]),
                "open": bars.open[rows],
                "high": bars.high[rows],
                "low": bars.low[rows],
                "latest": bars.close[rows],
            }
        )
        yield SampleFile("index_bars", f"{code}.csv", csv_bytes(table))
    index = market.indices["931250.CSI"]
    bars = index.bars
    rows = np.flatnonzero(bars.present)
    close, previous = bars.close[rows], bars.previous[rows]
    count = len(rows)
    table = pl.DataFrame(
        {
            "日期": _iso([days[n] for n in rows]),
            "指数代码": ["931250"] * count,
            "指数中文全称": ["中证港股通创新药指数"] * count,
            "指数中文简称": ["港股通创新药"] * count,
            "指数英文全称": ["CSI Hong Kong Connect Innovative Drug Index"] * count,
            "指数英文简称": ["CSI HKC Innovative Drug"] * count,
            "开盘": bars.open[rows],
            "最高": bars.high[rows],
            "最低": bars.low[rows],
            "收盘": close,
            "涨跌": np.round(close - previous, 2),
            "涨跌幅": _percent(close - previous, previous),
            "成交量": np.round(bars.volume[rows] / 1e6, 2),
            "成交金额": np.round(bars.turnover[rows] / 1e8, 2),
            "样本数量": [len(index.sets[-1].members)] * count,
            "滚动市盈率": [None] * count,
        },
        schema_overrides={"滚动市盈率": pl.Float64},
    )
    yield SampleFile("index_bars", "931250.csv", csv_bytes(table))
    bars = market.indices["000300.SH"].bars
    rows = np.flatnonzero(bars.present)
    table = pl.DataFrame(
        {
            "index_code": ["000300.SH"] * len(rows),
            "trade_date": _iso([days[n] for n in rows]),
            "open": bars.open[rows],
            "high": bars.high[rows],
            "low": bars.low[rows],
            "close": bars.close[rows],
            "prev_close": bars.previous[rows],
            "volume_shares": _whole(bars.volume[rows]),
            "turnover": np.round(bars.turnover[rows], 2),
        }
    )
    yield SampleFile("index_bars", "csi300.csv", csv_bytes(table))


_HANG_SENG = (("HSI.HI", "HSI", "恒生指数"), ("HSTECH.HI", "HSTECH", "恒生科技指数"))


def index_quotes(quotes: dict[str, Quotes]) -> Iterator[SampleFile]:
    """Hang Seng indices as Sina snapshots with their moment, the others canonical."""
    moments = [f"{moment:%Y-%m-%d %H:%M:%S}+08:00" for moment in quote_times()]
    rows: list[tuple[object, ...]] = []
    for minute, moment in enumerate(moments):
        for code, number, name in _HANG_SENG:
            own = quotes[code]
            last, previous = float(own.last[minute]), float(own.previous[minute])
            so_far = own.last[: minute + 1]
            rows.append(
                (
                    number,
                    name,
                    last,
                    round(last - previous, 2),
                    round((last / previous - 1) * 100, 2),
                    previous,
                    float(own.open[minute]),
                    float(so_far.max()),
                    float(so_far.min()),
                    moment,
                )
            )
    names = ("代码", "名称", "最新价", "涨跌额", "涨跌幅", "昨收", "今开", "最高", "最低", "quote_ts")
    yield SampleFile("index_quotes", "hk_index_spot_2025-04-24.csv", csv_bytes(frame(names, rows)))
    others = [code for code in quotes if not code.endswith(".HI")]
    rows = [
        (
            code,
            moment,
            float(quotes[code].last[minute]),
            float(quotes[code].open[minute]),
            float(quotes[code].previous[minute]),
        )
        for minute, moment in enumerate(moments)
        for code in others
    ]
    table = frame(("index_code", "quote_ts", "last", "open", "prev_close"), rows)
    yield SampleFile("index_quotes", "index_quotes_2025-04-24.csv", csv_bytes(table))


def index_weights(market: Market) -> Iterator[SampleFile]:
    """CNI workbooks with codes filled to six digits, CSI close weights."""
    days, names = market.clock.days, market.names
    for code in ("987018.CNI", "399006.SZ"):
        rows: list[tuple[object, ...]] = []
        for found in market.indices[code].sets:
            for column, weight in zip(found.members, found.weights, strict=True):
                security = names[column]
                rows.append(
                    (
                        days[found.position].isoformat(),
                        security.number.zfill(6),
                        security.name_zh,
                        "医药卫生" if security.is_hong_kong else "创业板",
                        round(security.cap * 120, 2),
                        round(float(weight) * 100, 2),
                    )
                )
        header = ("日期", "样本代码", "样本简称", "所属行业", "总市值", "权重")
        yield SampleFile("index_weights", f"{code}.xlsx", workbook_bytes(header, rows))
    rows = list[tuple[object, ...]]()
    for found in market.indices["931250.CSI"].sets:
        for column, weight in zip(found.members, found.weights, strict=True):
            security = names[column]
            rows.append(
                (
                    days[found.position].isoformat(),
                    "931250",
                    "港股通创新药",
                    "CSI HKC Innovative Drug",
                    security.number.zfill(6),
                    security.name_zh,
                    security.name_en,
                    "香港联合交易所",
                    "Stock Exchange of Hong Kong",
                    round(float(weight) * 100, 3),
                )
            )
    csi_header = (
        "日期",
        "指数代码",
        "指数名称",
        "指数英文名称",
        "成分券代码",
        "成分券名称",
        "成分券英文名称",
        "交易所",
        "交易所英文名称",
        "权重",
    )
    yield SampleFile("index_weights", "931250closeweight.csv", csv_bytes(frame(csi_header, rows)))


def security_master(universe: Universe) -> Iterator[SampleFile]:
    """Every security that any table names."""
    rows = [
        (security.code, security.name_en, security.name_zh, security.issuer_id, security.listed_on.isoformat(), None)
        for security in (*universe.hong_kong, *universe.companies)
    ]
    names = ("security_code", "name_en", "name_zh", "issuer_id", "listed_on", "delisted_on")
    yield SampleFile("securities", "securities.csv", csv_bytes(frame(names, rows), GB18030))


def security_bars(market: Market) -> Iterator[SampleFile]:
    """Hong Kong: a file a name, the rest as hk_daily; A shares as Tushare daily, a file a half year."""
    days, bars = market.clock.days, market.bars
    hong_kong = [n for n, security in enumerate(market.names) if security.is_hong_kong]
    for column in hong_kong[:_SINGLE_HONG_KONG_FILES]:
        rows = np.flatnonzero(bars.present[:, column])
        table = _eastmoney_bars(days, bars, rows, column, 1, None)
        yield SampleFile("security_bars", f"{market.names[column].number}.csv", csv_bytes(table))

    def long(columns: list[int], lot: int, thousand: int, start: dt.date, stop: dt.date) -> pl.DataFrame:
        first, last = np.searchsorted(np.array(days), np.array([start, stop]))
        rows, which = np.nonzero(bars.present[first:last][:, columns])
        rows, which = rows + first, np.array(columns)[which]
        codes = [market.names[n].code for n in which]
        picked = {name: getattr(bars, name)[rows, which] for name in _BAR_COLUMNS}
        return _tushare_bars(codes, [days[n] for n in rows], picked, lot, thousand)

    end = LAST_DAY + dt.timedelta(days=1)
    table = long(hong_kong[_SINGLE_HONG_KONG_FILES:], 1, 1, days[0], end)
    yield SampleFile("security_bars", "hk_daily.csv.gz", gzip_bytes(csv_bytes(table)))
    a_shares = [n for n, security in enumerate(market.names) if not security.is_hong_kong]
    halves = [dt.date(year, month, 1) for year in range(2023, 2026) for month in (1, 7)]
    for start, stop in zip(halves[:-1], [*halves[1:-1], end], strict=True):
        table = long(a_shares, 100, 1000, start, stop)
        yield SampleFile("security_bars", f"daily_{_half_year(start)}.csv.gz", gzip_bytes(csv_bytes(table)))


def security_quotes(market: Market, quotes: Quotes) -> Iterator[SampleFile]:
    """Hong Kong as Sina spot snapshots, where 0 means untraded; A shares canonical."""
    rows: list[tuple[object, ...]] = []
    canonical: list[tuple[object, ...]] = []
    high = np.maximum.accumulate(np.nan_to_num(quotes.last), axis=0)
    low = np.minimum.accumulate(np.nan_to_num(quotes.last), axis=0)
    last, opening = np.nan_to_num(quotes.last), np.nan_to_num(quotes.open)
    for minute, moment in enumerate(quote_times()):
        hong_kong_time = f"{moment:%Y/%m/%d %H:%M:%S}"
        full_time = f"{moment:%Y-%m-%d %H:%M:%S}+08:00"
        for n, security in enumerate(market.names):
            price, first = float(last[minute, n]), float(opening[minute, n])
            previous = float(quotes.previous[minute, n])
            volume, turnover = int(quotes.volume[minute, n]), float(quotes.turnover[minute, n])
            if security.is_hong_kong:
                change = round(price - previous, 3) if price else 0.0
                rows.append(
                    (
                        hong_kong_time,
                        security.number,
                        security.name_zh,
                        security.name_en,
                        "EQTY",
                        price,
                        change,
                        round(change / previous * 100, 3),
                        previous,
                        first,
                        float(high[minute, n]),
                        float(low[minute, n]),
                        volume,
                        turnover,
                        price,
                        price,
                    )
                )
            else:
                canonical.append((security.code, full_time, price, first, previous, volume, turnover, "CNY"))
    names = (
        "日期时间",
        "代码",
        "中文名称",
        "英文名称",
        "交易类型",
        "最新价",
        "涨跌额",
        "涨跌幅",
        "昨收",
        "今开",
        "最高",
        "最低",
        "成交量",
        "成交额",
        "买一",
        "卖一",
    )
    yield SampleFile("security_quotes", "hk_spot_2025-04-24.csv", csv_bytes(frame(names, rows)))
    header = ("security_code", "quote_ts", "last", "open", "prev_close", "volume_shares", "turnover", "currency")
    content = gzip_bytes(csv_bytes(frame(header, canonical)))
    yield SampleFile("security_quotes", "security_quotes_2025-04-24.csv.gz", content)


_ORGANIZATION_HEADER = [
    "uuid",
    "name",
    "type",
    "permalink",
    "cb_url",
    "rank",
    "created_at",
    "updated_at",
    "legal_name",
    "roles",
    "domain",
    "homepage_url",
    "country_code",
    "state_code",
    "region",
    "city",
    "address",
    "postal_code",
    "status",
    "short_description",
    "category_list",
    "category_groups_list",
    "num_funding_rounds",
    "total_funding_usd",
    "total_funding",
    "total_funding_currency_code",
    "founded_on",
    "last_funding_on",
    "closed_on",
    "employee_count",
    "email",
    "phone",
    "facebook_url",
    "linkedin_url",
    "twitter_url",
    "logo_url",
    "alias1",
    "alias2",
    "alias3",
    "primary_role",
    "num_exits",
]
_ROUND_HEADER = [
    "uuid",
    "name",
    "type",
    "permalink",
    "cb_url",
    "rank",
    "created_at",
    "updated_at",
    "country_code",
    "state_code",
    "region",
    "city",
    "investment_type",
    "announced_on",
    "raised_amount_usd",
    "raised_amount",
    "raised_amount_currency_code",
    "post_money_valuation_usd",
    "post_money_valuation",
    "post_money_valuation_currency_code",
    "investor_count",
    "org_uuid",
    "org_name",
    "lead_investor_uuids",
]


def _export(header: list[str], records: list[dict[str, object]]) -> bytes:
    table = pl.DataFrame(
        {name: pl.Series(name, [record.get(name) for record in records], strict=False) for name in header}
    )
    return gzip_bytes(csv_bytes(table))


def _organization_record(item: Organization) -> dict[str, object]:
    return {
        "uuid": item.uuid,
        "name": item.name,
        "type": "organization",
        "created_at": f"{item.created_at:%Y-%m-%d %H:%M:%S}",
        "updated_at": f"{item.updated_at:%Y-%m-%d %H:%M:%S}",
        "roles": "company",
        "country_code": item.country or None,
        "status": "operating",
        "category_list": item.categories,
        "category_groups_list": item.groups,
        "primary_role": "company",
    }


def _round_record(item: Round, names: dict[str, str]) -> dict[str, object]:
    return {
        "uuid": item.uuid,
        "name": f"{item.kind.replace('_', ' ').title()} - {names[item.organization]}",
        "type": "funding_round",
        "created_at": f"{item.created_at:%Y-%m-%d %H:%M:%S}",
        "updated_at": f"{item.updated_at:%Y-%m-%d %H:%M:%S}",
        "country_code": item.country or None,
        "investment_type": item.kind,
        "announced_on": item.announced_on.isoformat(),
        "raised_amount_usd": item.amount,
        "raised_amount": item.amount,
        "raised_amount_currency_code": "USD" if item.amount else None,
        "investor_count": item.investors,
        "org_uuid": item.organization,
        "org_name": names[item.organization],
    }


def funding(found: Funding) -> Iterator[SampleFile]:
    """Two exports of organizations and rounds, and the withdrawn rounds."""
    for day, organizations, rounds in (
        ("2024-04-22", found.early_organizations, found.early_rounds),
        ("2025-04-23", found.late_organizations, found.late_rounds),
    ):
        records = [_organization_record(item) for item in organizations]
        yield SampleFile("organizations", f"organizations_{day}.csv.gz", _export(_ORGANIZATION_HEADER, records))
        names = {item.uuid: item.name for item in found.late_organizations}
        records = [_round_record(item, names) for item in rounds]
        yield SampleFile("funding_rounds", f"funding_rounds_{day}.csv.gz", _export(_ROUND_HEADER, records))
    rows = [
        (
            item.uuid,
            item.organization,
            item.announced_on.isoformat(),
            item.kind,
            item.amount,
            item.country or None,
            item.investors,
            f"{item.created_at:%Y-%m-%d %H:%M:%S}",
            f"{item.updated_at:%Y-%m-%d %H:%M:%S}",
            f"{moment:%Y-%m-%d %H:%M:%S}",
        )
        for item, moment in found.deleted
    ]
    header = (
        "round_uuid",
        "org_uuid",
        "announced_on",
        "investment_type",
        "raised_amount_usd",
        "country_code",
        "investor_count",
        "created_at",
        "updated_at",
        "deleted_at",
    )
    yield SampleFile("funding_rounds", "funding_rounds_deleted_2025-04-23.csv", csv_bytes(frame(header, rows)))


def broker_visits(found: dict[tuple[int, int], list[Visit]]) -> Iterator[SampleFile]:
    """A file a month in GB18030, past months compressed; price and change are those of the download, as delivered."""
    names = (
        "序号",
        "代码",
        "名称",
        "最新价",
        "涨跌幅",
        "调研机构",
        "机构类型",
        "调研人员",
        "接待方式",
        "接待人员",
        "接待地点",
        "调研日期",
        "公告日期",
    )
    for (year, month), visits in sorted(found.items()):
        rows = [
            (
                n,
                visit.company.number,
                visit.company.name_zh,
                visit.company.price,
                0.0,
                visit.organisation,
                visit.kind,
                visit.people,
                visit.way,
                "董事会秘书",
                "公司会议室",
                visit.day.isoformat(),
                visit.notice.isoformat() if visit.notice else None,
            )
            for n, visit in enumerate(visits, start=1)
        ]
        content = csv_bytes(frame(names, rows), GB18030)
        name = f"jgdy_detail_{year}-{month:02d}.csv"
        if (year, month) == (QUOTE_DAY.year, QUOTE_DAY.month):
            yield SampleFile("broker_visits", name, content)
        else:
            yield SampleFile("broker_visits", f"{name}.gz", gzip_bytes(content))


def canonical(
    table: str, name: str, header: Sequence[str], rows: Sequence[Sequence[object]], encoding: str = "utf-8"
) -> SampleFile:
    """A file in the canonical header of its table."""
    return SampleFile(table, name, csv_bytes(frame(header, rows), encoding))
