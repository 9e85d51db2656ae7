"""Providers' headers, units and codes: which dialect a header is taken for, and what its figures become."""

from __future__ import annotations

import io
import zipfile

import pytest

from orchestration.contracts import CONTRACTS, TABLES
from orchestration.dialects import NoDialectError, canonical, dialects_of, match_header
from orchestration.dialects.base import Dialect
from tests.support.warehouse_home import Home
from tests.unit.dialects import test_akshare, test_crunchbase, test_eastmoney, test_exchanges, test_public, test_tushare
from tests.unit.dialects.figures import CSINDEX_BARS, HIST, TUSHARE_BARS, utc

EVERY_DIALECT = [dialect for table in TABLES for dialect in dialects_of(table)]
MODULES = (test_akshare, test_crunchbase, test_eastmoney, test_exchanges, test_public, test_tushare)
DECLARED = [dialect for dialect in EVERY_DIALECT if dialect.name != "canonical"]

CRUNCHBASE_ROUNDS = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,country_code,state_code,region,city,investment_type,"
    "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,post_money_valuation_usd,"
    "post_money_valuation,post_money_valuation_currency_code,investor_count,org_uuid,org_name,lead_investor_uuids"
)
CRUNCHBASE_ROUNDS_2016 = (
    "company_name,country_code,state_code,region,city,company_category_list,funding_round_type,funding_round_code,"
    "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,target_money_raised_usd,"
    "target_money_raised,target_money_raised_currency_code,post_money_valuation_usd,post_money_valuation,"
    "post_money_currency_code,investor_count,investor_names,cb_url,company_uuid,funding_round_uuid,created_at,updated_at"
)


def _full_header(dialect: Dialect) -> list[str]:
    """Every column that a dialect names, plus the key columns that have to be added to its files."""
    named = [c.source for c in dialect.columns] + [c.source for view in dialect.views for c in view.columns]
    named += [*dialect.ignored, *dialect.required, *dialect.identified_by]
    if dialect.dated_columns is not None:
        named += [f"2025-04-24-{field}" for field, _ in dialect.dated_fields]
    header = list(dict.fromkeys(name.lower() for name in named))
    contract = CONTRACTS[dialect.table]
    given = {c.target for c in dialect.columns} | {c.target for view in dialect.views for c in view.columns}
    given |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
    given |= {name for view in dialect.views for name, _ in view.constants}
    given |= {dialect.name_key or "", dialect.derived_key or "", dialect.dated_target or ""}
    return header + [key for key in contract.key if key not in given]


def _refusal(table: str, header: list[str]) -> str:
    try:
        match_header(table, header)
    except NoDialectError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("dialect", EVERY_DIALECT, ids=lambda d: f"{d.table}-{d.name}")
def test_every_dialect_speaks_of_columns_that_its_contract_has(dialect: Dialect) -> None:
    known = set(CONTRACTS[dialect.table].columns)
    targets = {c.target for c in dialect.columns} | {c.target for view in dialect.views for c in view.columns}
    targets |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
    targets |= {name for view in dialect.views for name, _ in view.constants}
    targets |= {target for _, target in dialect.dated_fields}
    targets |= {name for name in (dialect.name_key, dialect.derived_key, dialect.dated_target) if name}
    targets |= {c.change_from for c in dialect.columns if c.change_from}
    assert targets <= known
    ignored = {name.lower() for name in dialect.ignored}
    assert not ignored & {c.source.lower() for c in dialect.columns}, "a column is read or ignored, not both"


@pytest.mark.parametrize("table", TABLES)
def test_names_of_dialects_are_unique_in_a_table(table: str) -> None:
    names = [dialect.name for dialect in dialects_of(table)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", TABLES)
def test_canonical_header_is_canonical(table: str) -> None:
    assert match_header(table, list(CONTRACTS[table].columns)).dialect.name == "canonical"


@pytest.mark.parametrize("dialect", DECLARED, ids=lambda d: f"{d.table}-{d.name}")
def test_a_dialect_knows_its_own_header(dialect: Dialect) -> None:
    found = match_header(dialect.table, _full_header(dialect))
    assert found.dialect.name == dialect.name
    assert not found.unknown


@pytest.mark.parametrize("dialect", DECLARED, ids=lambda d: f"{d.table}-{d.name}")
def test_a_column_less_never_makes_two_dialects_fit_equally_well(dialect: Dialect) -> None:
    """A tie refuses the file (R60); providers drop columns without notice."""
    header = _full_header(dialect)
    for dropped in header:
        shorter = [name for name in header if name != dropped]
        assert "equally well" not in _refusal(dialect.table, shorter), dropped


@pytest.mark.parametrize(
    ("table", "header", "expected"),
    [
        ("etf_bars", HIST, "akshare.fund_etf_hist_em"),
        (
            "etf_bars",
            "datetime,open,close,high,low,volume,成交额,振幅,涨跌幅,涨跌额,换手率",
            "akshare.fund_etf_hist_em.renamed",
        ),
        ("etf_bars", TUSHARE_BARS, "tushare.fund_daily"),
        ("etf_shares", "序号,基金代码,基金简称,ETF类型,统计日期,基金份额", "akshare.fund_etf_scale_sse"),
        ("etf_shares", "日期,基金代码,基金简称,基金份额", "szse.fund_scale_daily"),
        ("etf_shares", "日期,基金代码,基金简称,基金规模(份)", "szse.fund_scale_daily"),
        ("etf_shares", "ts_code,trade_date,fd_share", "tushare.fund_share"),
        (
            "etf_shares",
            "trade_date,ts_code,etf_name,total_share,total_size,nav,close,exchange",
            "tushare.etf_share_size",
        ),
        ("etf_nav", "净值日期,单位净值,累计净值,日增长率,申购状态,赎回状态", "akshare.fund_etf_fund_info_em"),
        ("index_bars", "日期,开盘价,最高价,最低价,收盘价,涨跌幅,成交量,成交额", "akshare.index_hist_cni"),
        ("index_bars", "date,open,high,low,latest", "akshare.stock_hk_index_daily_em"),
        ("index_bars", "date,open,close,volume", "yahoo.index_history"),
        ("index_bars", CSINDEX_BARS, "akshare.stock_zh_index_hist_csindex"),
        ("index_bars", TUSHARE_BARS, "tushare.index_daily"),
        ("index_bars", TUSHARE_BARS.replace("vol,amount", "swing,vol"), "tushare.index_global"),
        (
            "index_quotes",
            "代码,名称,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低,quote_ts",
            "akshare.stock_hk_index_spot_sina",
        ),
        ("index_weights", "日期,样本代码,样本简称,所属行业,总市值,权重", "cni.sample_detail"),
        ("index_weights", "日期,样本代码,样本简称,所属行业,总市值,权重（%）", "cni.sample_detail"),
        ("index_weights", "index_code,con_code,trade_date,weight", "tushare.index_weight"),
        ("index_weights", "Symbol,Name", "yfiua.constituents"),
        ("index_weights", "Symbol,Name,index_code,weight_date", "yfiua.constituents"),
        ("security_bars", HIST, "akshare.stock_hk_hist"),
        ("security_bars", HIST.replace("日期,", "日期,股票代码,"), "akshare.stock_zh_a_hist"),
        ("security_bars", TUSHARE_BARS, "tushare.daily"),
        ("security_bars", "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits", "yahoo.security_history"),
        ("security_bars", "date,open,high,low,close,volume", "akshare.stock_hk_daily"),
        ("funding_rounds", CRUNCHBASE_ROUNDS, "crunchbase.funding_rounds"),
        ("funding_rounds", f"{CRUNCHBASE_ROUNDS},deleted_at,knowledge_at", "crunchbase.funding_rounds"),
        ("funding_rounds", CRUNCHBASE_ROUNDS_2016, "crunchbase.funding_rounds_2016"),
        (
            "broker_visits",
            "序号,代码,名称,最新价,涨跌幅,调研机构,机构类型,调研人员,接待方式,接待人员,接待地点,调研日期,公告日期",
            "akshare.stock_jgdy_detail_em",
        ),
        (
            "sector_members",
            "l1_code,l1_name,l2_code,l2_name,l3_code,l3_name,ts_code,name,in_date,out_date,is_new",
            "tushare.index_member_all",
        ),
    ],
)
def test_headers_of_providers(table: str, header: str, expected: str) -> None:
    found = match_header(table, header.split(","))
    assert found.dialect.name == expected
    assert not found.unknown


def test_bars_renamed_to_english_need_the_column_that_tells_their_unit() -> None:
    """Without 成交额 nothing says that the volume is in lots: a guess would be wrong by a hundred."""
    with pytest.raises(NoDialectError):
        match_header("etf_bars", ["datetime", "open", "close", "high", "low", "volume"])


def test_canonical_dialect_takes_the_code_of_daily_bars_from_the_name() -> None:
    assert canonical(CONTRACTS["etf_bars"]).name_key == "etf_code"
    assert canonical(CONTRACTS["etf_profiles"]).name_key is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("980001", "980001.CNI"),
        ("399998", "399998.SZ"),
        ("987018_202504", "987018.CNI"),
        ("000300", "000300.SH"),
        ("931787.CSI", "931787.CSI"),
    ],
)
def test_bare_index_numbers_of_file_names_are_those_of_their_provider(home: Home, name: str, expected: str) -> None:
    """An index that the project knows is taken as known; other numbers are the provider's own."""
    header = "日期,开盘价,最高价,最低价,收盘价,涨跌幅,成交量,成交额"
    home.land(f"index_bars/{name}.csv", f"{header}\n2025-04-24,1000.1,1020.2,990.3,1010.4,0.0111,1,1\n")
    home.run()
    assert [row["index_code"] for row in home.raw("index_bars")] == [expected]


def test_a_bare_number_in_nobodys_file_is_no_index(home: Home) -> None:
    home.land("index_bars/980001.csv", "date,open,close\n2025-04-24,1,1\n")
    home.run()
    assert "no code stands in the file name" in home.reasons()[0]


def test_every_dialect_has_a_file_that_it_reads() -> None:
    """A header without a file as delivered is a guess."""
    read = {(key[0], case[0].split("/")[0]) for module in MODULES for key, case in module.FIGURES.items()}
    assert not sorted({(dialect.name, dialect.table) for dialect in DECLARED} - read)


@pytest.mark.parametrize(
    ("table", "header", "told"),
    [
        (
            "index_weights",
            "开始日期,结束日期,样本代码,样本简称,所属行业,调整类型",
            "land index_detail_hist_cni instead",
        ),
        (
            "broker_visits",
            "序号,代码,名称,最新价,涨跌幅,接待机构数量,接待方式,接待人员,接待地点,接待日期,公告日期",
            "land stock_jgdy_detail_em instead",
        ),
        (
            "connect_eligibility",
            "日期,当日成交净买额,买入成交额,卖出成交额,历史累计净买额,当日资金流入,当日余额,持股市值",
            "no table holds channel flows",
        ),
        ("sector_members", "index_code,industry_name,level,industry_code,is_pub,parent_code", "land index_member_all"),
        (
            "sector_members",
            "行业代码,行业名称,成份个数,静态市盈率,TTM(滚动)市盈率,市净率,静态股息率",
            "without companies",
        ),
        ("concept_members", "排名,板块名称,板块代码,最新价,涨跌额,涨跌幅,领涨股票", "stock_board_concept_cons_em"),
        ("etf_bars", "trade_date", "a calendar"),
        ("etf_bars", "request_id,code,msg,data", "ask again"),
        ("broker_visits", "version,result,success,message,code", "asked too fast"),
    ],
)
def test_headers_that_are_no_data_say_so(table: str, header: str, told: str) -> None:
    """Beside what R60 asks for: the columns found and those expected."""
    with pytest.raises(NoDialectError, match=told) as refused:
        match_header(table, header.split(","))
    assert f"found '{header.split(',')[0]}'" in str(refused.value)
    assert f"expected {CONTRACTS[table].columns[0]}" in str(refused.value)


@pytest.mark.parametrize("dialect", DECLARED, ids=lambda d: f"{d.table}-{d.name}")
def test_a_header_in_another_folder_is_never_called_no_data(dialect: Dialect) -> None:
    assert "it is that of" not in _refusal(
        "fx_rates" if dialect.table != "fx_rates" else "etf_bars", _full_header(dialect)
    )


SPOT = "代码,名称,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20250424T101500+0800.csv", "2025-04-24 10:15:00"),
        ("20250423T000000+0800/20250424T101500+0800-2.csv", "2025-04-24 10:15:00"),
        ("spot.zip!20250424T101500+0800.csv", None),
    ],
)
def test_the_moment_of_a_snapshot_is_the_last_one_of_its_path(home: Home, name: str, expected: str | None) -> None:
    text = f"{SPOT}\nHSI,恒生指数,22072.62,0,0,22072.62,21984.3,22090.1,21950.2\n"
    if expected is None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(name.split("!")[1], text)
        home.land(f"index_quotes/{name.split('!')[0]}", stream.getvalue())
    else:
        home.land(f"index_quotes/{name}", text)
    home.run()
    assert [row["quote_ts"] for row in home.raw("index_quotes")] == [utc("2025-04-24 10:15")]


def test_a_time_in_the_file_goes_before_that_of_its_name(home: Home) -> None:
    home.land(
        "index_quotes/20250424T101500+0800.csv",
        f"{SPOT},quote_ts\nHSI,恒生指数,22072.62,0,0,22072.62,21984.3,22090.1,21950.2,2025-04-24 10:00:00\n",
    )
    home.run()
    assert [row["quote_ts"] for row in home.raw("index_quotes")] == [utc("2025-04-24 10:00")]


@pytest.mark.parametrize("name", ["spot.csv", "20250424.csv", "20251324T101500+0800.csv"])
def test_a_snapshot_without_a_moment_is_refused(home: Home, name: str) -> None:
    home.land(f"index_quotes/{name}", f"{SPOT}\nHSI,恒生指数,22072.62,0,0,22072.62,21984.3,22090.1,21950.2\n")
    home.run()
    assert not home.raw("index_quotes")
    assert "quote_ts" in home.reasons()[0]


@pytest.mark.parametrize("folder", ["", "akshare/", "akshare/stock_board_concept_cons_em/"])
def test_a_board_without_its_folder_is_refused(home: Home, folder: str) -> None:
    """The folder of the dataset is no board."""
    home.land(
        f"concept_members/{folder}20250424T180000+0800.csv",
        "序号,代码,名称,最新价\n1,002821,凯莱英,82.5\n",
    )
    home.run()
    assert "expected a path like CRO概念/20250424T103000+0800.csv" in home.reasons()[0]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("security_bars", "security_code,trade_date,close\n001801.HK,2025-04-24,50.1\n"),
        ("index_weights", "index_code,weight_date,security_code,weight\n987018.CNI,2025-03-31,001801.HK,0.1\n"),
        ("index_weights", "index_code,con_code,trade_date,weight\n987018.CNI,001801.HK,20250331,9.5\n"),
        ("security_bars", "ts_code,trade_date,open,close\n001801.HK,20250424,50,50\n"),
        ("connect_eligibility", "ts_code,trade_date,type\n001801.HK,20250812,SZ_HK\n"),
    ],
)
def test_six_digits_of_hong_kong_are_no_code_anywhere(home: Home, table: str, text: str) -> None:
    home.land(f"{table}/a.csv", text)
    home.run()
    assert not home.raw(table)
    assert "security_code: found '001801.HK'" in home.reasons()[0]
