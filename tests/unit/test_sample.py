"""The sample's files, read without the pipeline: same bytes for a seed, nothing known too late, the note's story."""

import csv
import datetime as dt
import gzip
import io
import itertools
from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from orchestration.calendars import sessions
from orchestration.contracts import CONTRACTS
from orchestration.providers.sample import SAMPLE_FOLDER, SampleExistsError, sample_files, write_sample

CUT = "2025-04-24 10:30:00"


@pytest.fixture(scope="module", params=[7])
def landing(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("landing")
    write_sample(folder, seed=request.param)
    return folder


def read(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))


def workbook(path: Path) -> list[dict[str, object]]:
    sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def folder(landing: Path, table: str) -> Path:
    return landing / table / SAMPLE_FOLDER


def test_a_seed_gives_the_same_bytes_and_identical_files_stay_untouched(landing):
    before = {path: path.stat().st_mtime_ns for path in landing.rglob("*") if path.is_file()}
    told = []
    paths = write_sample(landing, progress=lambda table, files: told.append((table, files)))
    assert {path: path.stat().st_mtime_ns for path in landing.rglob("*") if path.is_file()} == before
    assert set(paths) == set(before)
    assert {table for table, _ in told} == set(CONTRACTS)
    assert sum(path.stat().st_size for path in paths) < 30_000_000


def test_another_sample_in_landing_is_refused_before_anything_is_written(tmp_path):
    target = tmp_path / "fx_rates" / SAMPLE_FOLDER / "fx_rates.csv"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"pair,kind,rate_date,rate\n")
    with pytest.raises(SampleExistsError, match="never changed"):
        write_sample(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [target]


def test_another_seed_is_another_sample(landing):
    others = sample_files(seed=8)
    assert any(file.path(landing).read_bytes() != file.content for file in others)
    assert {file.path(landing) for file in others} == {path for path in landing.rglob("*") if path.is_file()}


def test_the_etf_of_the_note_is_up_by_372_basis_points_on_over_166_million(landing):
    rows = [r for r in read(folder(landing, "etf_quotes") / "fund_etf_spot_2025-04-24.csv") if r["代码"] == "159567"]
    last = max(rows, key=lambda r: r["更新时间"])
    assert last["更新时间"] == "2025-04-24 10:30:00+08:00"
    assert round(float(last["最新价"]) / float(last["昨收"]) - 1, 4) == 0.0372
    assert 166e6 < float(last["成交额"]) < 167e6
    turnover = [float(r["成交额"]) for r in rows]
    assert turnover == sorted(turnover)
    bars = read(folder(landing, "etf_bars") / "159567.csv")
    assert bars[-1]["日期"] == "2025-04-23"
    assert bars[-1]["收盘"] == last["昨收"]


def members_at_last_set(landing: Path) -> set[str]:
    rows = workbook(folder(landing, "index_weights") / "987018.CNI.xlsx")
    latest = max(str(r["日期"]) for r in rows)
    assert all(str(r["样本代码"])[:1] == "0" and len(str(r["样本代码"])) == 6 for r in rows)
    return {str(r["样本代码"])[1:] for r in rows if r["日期"] == latest}


def hong_kong_changes(landing: Path) -> dict[str, float]:
    rows = read(folder(landing, "security_quotes") / "hk_spot_2025-04-24.csv")
    latest = max(r["日期时间"] for r in rows)
    return {
        r["代码"]: float(r["最新价"]) / float(r["昨收"]) - 1
        for r in rows
        if r["日期时间"] == latest and float(r["最新价"]) > 0
    }


def test_the_leaders_come_in_the_order_of_the_note(landing):
    members, changes = members_at_last_set(landing), hong_kong_changes(landing)
    ranked = sorted((code for code in members if code in changes), key=lambda code: -changes[code])
    assert ranked[:8] == ["06821", "09995", "09926", "01801", "06855", "00867", "01877", "01530"]
    assert changes["06821"] > 0.10
    gaps = [changes[a] - changes[b] for a, b in itertools.pairwise(ranked[:9])]
    assert min(gaps) > 0.001


@pytest.mark.parametrize(("code", "turn"), [("HSI", "09:47"), ("HSTECH", "10:04")])
def test_the_hang_seng_indices_open_lower_and_turn_positive(landing, code, turn):
    rows = [r for r in read(folder(landing, "index_quotes") / "hk_index_spot_2025-04-24.csv") if r["代码"] == code]
    previous = float(rows[0]["昨收"])
    assert float(rows[0]["今开"]) < previous
    positive = [r["quote_ts"][11:16] for r in rows if float(r["最新价"]) > previous]
    assert positive[0] == turn
    assert positive[-1] == "10:30"
    assert len(positive) == (61 - int(turn[3:]) + (30 if turn[:2] == "09" else -30))


def test_seven_of_ten_sessions_bring_280_million(landing):
    counts = {}
    for path in folder(landing, "etf_shares").glob("szse_fund_scale_202*.xlsx"):
        for row in workbook(path):
            if row["基金代码"] == "159567":
                counts[str(row["日期"])] = int(str(row["基金份额"]).replace(",", ""))
    navs = {r["净值日期"]: Decimal(r["单位净值"]) for r in read(folder(landing, "etf_nav") / "159567.csv")}
    days = [day.isoformat() for day in sessions("XSHG").sessions if dt.date(2025, 4, 9) <= day <= dt.date(2025, 4, 24)]
    # What stands before the open of a day is the close of the session before.
    closes = {day: counts[following] for day, following in itertools.pairwise(days)}
    flows = {day: (closes[day] - closes[before]) * navs[day] for before, day in itertools.pairwise(closes)}
    assert next(iter(flows)) == "2025-04-10"
    assert list(flows)[-1] == "2025-04-23"
    assert len(flows) == 10
    assert sum(flow > 0 for flow in flows.values()) == 7
    assert flows["2025-04-18"] == flows["2025-04-21"] == 0
    assert 280_000_000 < sum(flows.values()) < 290_000_000


def april_companies(landing: Path, broker_only: bool) -> set[str]:
    days = sessions("XSHG").sessions
    rows = read(folder(landing, "broker_visits") / "jgdy_detail_2025-04.csv", "gb18030")
    latest: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = row["代码"], row["调研日期"], row["接待方式"]
        latest[key] = max(latest.get(key, ""), row["公告日期"])
    found = set()
    for row in rows:
        second_session_after = days[bisect_right(days, dt.date.fromisoformat(row["调研日期"])) + 1]
        known = row["公告日期"] or second_session_after.isoformat()
        assert known <= "2025-04-24"
        if row["公告日期"] != latest[row["代码"], row["调研日期"], row["接待方式"]]:
            continue
        if broker_only and row["机构类型"] != "证券公司":
            continue
        found.add(row["代码"])
    return found


def test_brokers_visited_over_400_companies_60_in_electronics_46_in_pharma(landing):
    sectors = {}
    for row in read(folder(landing, "sector_members") / "index_member_all.csv", "gb18030"):
        if row["in_date"] <= "20250424" and (not row["out_date"] or row["out_date"] > "20250424"):
            sectors[row["ts_code"][:6]] = row["l1_code"]
    companies = april_companies(landing, broker_only=True)
    assert 400 < len(companies) < 420
    by_sector: dict[str, int] = defaultdict(int)
    for company in companies:
        by_sector[sectors.get(company, "NONE")] += 1
    assert by_sector["801080.SI"] == 60
    assert by_sector["801150.SI"] == 46
    assert by_sector["NONE"] > 0
    assert max(by_sector, key=by_sector.__getitem__) == "801080.SI"
    assert len(april_companies(landing, broker_only=False)) > len(companies)


def test_no_code_is_given_to_two_companies(landing):
    rows = read(folder(landing, "securities") / "securities.csv", "gb18030")
    codes = [row["security_code"] for row in rows]
    assert len(set(codes)) == len(codes)
    assert len({row["name_zh"] for row in rows}) == len({row["issuer_id"] for row in rows})
    assert len(security_bars(landing)) == 300
    twins = {row["security_code"]: row["issuer_id"] for row in rows if row["name_zh"] == "凯莱英"}
    assert twins == {"06821.HK": "CO-06821", "002821.SZ": "CO-06821"}


def test_there_are_40_000_visit_rows_and_no_key_conflicts_with_itself(landing):
    rows, kinds = 0, defaultdict(set)
    for path in sorted(folder(landing, "broker_visits").iterdir()):
        for row in read(path, "gb18030"):
            rows += 1
            key = row["代码"], row["调研日期"], row["接待方式"], row["调研机构"], row["公告日期"]
            kinds[key].add(row["机构类型"])
    assert rows == 40_000
    assert all(len(found) == 1 for found in kinds.values())


VENTURE = {"pre_seed", "seed", "angel", "series_unknown", "equity_crowdfunding", "convertible_note"} | {
    f"series_{letter}" for letter in "abcdefghij"
}
TOKENS = {"biotechnology", "biopharma", "pharmaceutical", "therapeutics", "genetics", "clinical trials"}


def quarter_sums(organizations: dict[str, dict], rounds: dict[str, dict]) -> dict[tuple[str, str], int]:
    """USD of cb_news_venture in innovative drugs by region and quarter, contracts R50 to R53."""
    by_organization = defaultdict(list)
    for item in rounds.values():
        by_organization[item["org_uuid"]].append(item)

    def counts(item):
        kind = item["investment_type"]
        earlier = [
            o["investment_type"] for o in by_organization[item["org_uuid"]] if o["announced_on"] < item["announced_on"]
        ]
        if kind == "corporate_round":
            return any(e in {"pre_seed", "seed", "angel"} or e.startswith("series_") for e in earlier)
        if kind == "private_equity":
            return any(e.startswith("series_") for e in earlier)
        return kind in VENTURE

    sums: dict[tuple[str, str], int] = defaultdict(int)
    for item in rounds.values():
        organization = organizations.get(item["org_uuid"])
        if organization is None or not counts(item):
            continue
        if not TOKENS & {token.strip().lower() for token in organization["category_list"].split(",")}:
            continue
        year, month = item["announced_on"][:4], int(item["announced_on"][5:7])
        quarter = f"{year}Q{(month + 2) // 3}"
        amount = int(item["raised_amount_usd"] or 0)
        sums["GLOBAL", quarter] += amount
        sums[organization["country_code"], quarter] += amount
    return sums


def vintage(landing: Path, moment: str) -> dict[tuple[str, str], int]:
    organizations: dict[str, dict] = {}
    rounds: dict[str, dict] = {}
    seen: set[str] = set()
    for path in sorted(folder(landing, "organizations").glob("*.csv.gz")):
        for row in read(path):
            if row["updated_at"] <= moment:
                organizations[row["uuid"]] = row
    for path in sorted(folder(landing, "funding_rounds").glob("*.csv.gz")):
        for row in read(path):
            known = row["updated_at"] if row["uuid"] in seen else row["created_at"]
            seen.add(row["uuid"])
            if known <= moment:
                rounds[row["uuid"]] = row
    for row in read(folder(landing, "funding_rounds") / "funding_rounds_deleted_2025-04-23.csv"):
        assert row["round_uuid"] in seen
        if row["deleted_at"] <= moment:
            rounds.pop(row["round_uuid"], None)
    return quarter_sums(organizations, rounds)


def test_venture_money_grows_globally_and_shrinks_in_america_and_china(landing):
    now = vintage(landing, CUT)
    growth = {
        region: round((now[region, "2025Q1"] / now[region, "2024Q1"] - 1) * 100, 2)
        for region in ("GLOBAL", "USA", "CHN")
    }
    assert growth == {"GLOBAL": 20.57, "USA": -4.99, "CHN": -4.05}
    year_ago = vintage(landing, "2024-04-24 10:30:00")
    assert 0 < year_ago["GLOBAL", "2024Q1"] < now["GLOBAL", "2024Q1"]
    for region in ("GLOBAL", "USA", "CHN"):
        matched = now[region, "2025Q1"] / year_ago[region, "2024Q1"] - 1
        assert matched > growth[region] / 100 + 0.01


def test_contract_researchers_rise_more_than_they_fall(landing):
    rows = read(folder(landing, "concept_members") / "concept_members.csv")
    latest = max(r["as_of_date"] for r in rows)
    members = {r["security_code"] for r in rows if r["as_of_date"] == latest and r["concept"] == "CRO"}
    quotes = read(folder(landing, "security_quotes") / "security_quotes_2025-04-24.csv.gz")
    changes = {
        r["security_code"]: float(r["last"]) / float(r["prev_close"]) - 1
        for r in quotes
        if r["quote_ts"].startswith("2025-04-24 10:30") and r["security_code"] in members
    }
    changes |= {f"{code}.HK": change for code, change in hong_kong_changes(landing).items() if f"{code}.HK" in members}
    assert set(changes) == members
    assert sum(c > 0 for c in changes.values()) > sum(c < 0 for c in changes.values())
    last_bars = security_bars(landing)
    before = [last_bars[code]["2025-04-23"] for code in members]
    assert sum(close > previous for previous, close in before) > sum(close < previous for previous, close in before)


def security_bars(landing: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """Previous close and close by code and ISO date."""
    found: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for path in folder(landing, "security_bars").iterdir():
        for row in read(path):
            if "ts_code" in row:
                day = f"{row['trade_date'][:4]}-{row['trade_date'][4:6]}-{row['trade_date'][6:]}"
                found[row["ts_code"]][day] = float(row["pre_close"]), float(row["close"])
            else:
                close = float(row["收盘"])
                found[f"{path.stem}.HK"][row["日期"]] = round(close - float(row["涨跌额"]), 4), close
    return found


def test_index_changes_are_the_sum_of_contributions(landing):
    """By contracts R30 to R32 from the files alone; far below the ten basis points that raise a warning."""
    bars = security_bars(landing)
    rows = workbook(folder(landing, "index_weights") / "987018.CNI.xlsx")
    sets: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        sets[str(row["日期"])][f"{str(row['样本代码'])[1:]}.HK"] = float(str(row["权重"])) / 100
    levels = read(folder(landing, "index_bars") / "987018.CNI.csv", "gb18030")
    worst, drifted, dates = 0.0, {}, sorted(sets)
    assert dates[0] < levels[0]["日期"]
    for before, today in zip([{"日期": dates[0]}, *levels], levels, strict=False):
        day = today["日期"]
        current = max(date for date in dates if date < day)
        if current >= before["日期"] or not drifted:
            total = sum(sets[current].values())
            assert abs(total - 1) < 0.005
            drifted = {code: weight / total for code, weight in sets[current].items()}
        change = {code: bars[code][day][1] / bars[code][day][0] - 1 for code in drifted}
        explained = sum(drifted[code] * change[code] for code in drifted)
        if "收盘价" in before:
            worst = max(worst, abs(float(today["收盘价"]) / float(before["收盘价"]) - 1 - explained))
        drifted = {code: weight * (1 + change[code]) for code, weight in drifted.items()}
        total = sum(drifted.values())
        drifted = {code: weight / total for code, weight in drifted.items()}
    assert worst < 0.00002


def test_bars_are_ordered_and_chained(landing):
    for path in folder(landing, "etf_bars").glob("159*.csv"):
        rows = read(path)
        for row in rows:
            high, low = float(row["最高"]), float(row["最低"])
            assert (
                low
                <= min(float(row["开盘"]), float(row["收盘"]))
                <= max(float(row["开盘"]), float(row["收盘"]))
                <= high
            )
            average = float(row["成交额"]) / (float(row["成交量"]) * 100)
            assert low - 0.001 <= average <= high + 0.001
    for code, days in security_bars(landing).items():
        ordered = [days[day] for day in sorted(days)]
        for (_, close), (previous, _) in itertools.pairwise(ordered):
            assert previous == pytest.approx(close, abs=1e-6), code


def test_nothing_is_known_after_the_quote_minute(landing):
    """Each table's knowledge rule in contracts.md, on the dates that decide it."""

    def latest(table: str, column: str, pattern: str = "*.csv*", encoding: str = "utf-8") -> str:
        return max(
            (
                row[column]
                for path in folder(landing, table).glob(pattern)
                for row in read(path, encoding)
                if row.get(column)
            ),
        )

    assert latest("etf_bars", "日期", "159*.csv") == "2025-04-23"
    assert latest("etf_bars", "trade_date", "fund_daily.csv") == "20250423"
    assert latest("etf_quotes", "更新时间") == f"{CUT}+08:00"
    assert latest("etf_shares", "统计日期") == "2025-04-23"
    assert latest("etf_shares", "trade_date") == "20250423"
    workbooks = [row for path in folder(landing, "etf_shares").glob("*.xlsx") for row in workbook(path)]
    assert max(str(row["日期"]) for row in workbooks) == "2025-04-24"
    assert latest("etf_nav", "净值日期") == "2025-04-23"
    assert latest("etf_nav", "ann_date") == "20250424"
    assert latest("etf_profiles", "listed_on", encoding="gb18030") <= "2025-04-24"
    assert latest("etf_splits", "effective_date") <= "2025-04-23"
    assert latest("index_quotes", "quote_ts") == f"{CUT}+08:00"
    for code in ("987018.CNI", "399006.SZ"):
        assert latest("index_bars", "日期", f"{code}.csv", "gb18030") == "2025-04-23"
        assert (
            max(str(row["日期"]) for row in workbook(folder(landing, "index_weights") / f"{code}.xlsx")) <= "2025-04-22"
        )
    assert latest("index_bars", "日期", "931250.csv") == "2025-04-23"
    assert latest("index_bars", "date", "HS*.csv") == "2025-04-23"
    assert latest("index_bars", "trade_date", "csi300.csv") == "2025-04-23"
    assert latest("index_weights", "日期") <= "2025-04-22"
    assert latest("securities", "listed_on", encoding="gb18030") <= "2025-04-24"
    assert max(day for days in security_bars(landing).values() for day in days) == "2025-04-23"
    assert latest("security_quotes", "日期时间") == "2025/04/24 10:30:00"
    assert latest("security_quotes", "quote_ts") == f"{CUT}+08:00"
    for column in ("created_at", "updated_at", "deleted_at"):
        assert latest("funding_rounds", column) < "2025-04-23"
    assert latest("organizations", "updated_at") < "2025-04-23"
    assert latest("broker_visits", "公告日期", encoding="gb18030") <= "2025-04-24"
    assert latest("sector_members", "in_date", encoding="gb18030") <= "20250424"
    assert latest("concept_members", "as_of_date") <= "2025-04-23"
    assert latest("connect_eligibility", "valid_from") <= "2025-04-24"
    assert latest("fx_rates", "rate_date") <= "2025-04-23"


def test_versions_of_a_round_differ_in_their_stamps(landing):
    """A changed value without a later stamp would become known on the day of ingestion and miss the note."""
    for table in ("organizations", "funding_rounds"):
        early, late = (
            {row["uuid"]: row for row in read(path)} for path in sorted(folder(landing, table).glob("*.csv.gz"))
        )
        edited = [uuid for uuid in early if uuid in late and early[uuid] != late[uuid]]
        changed = [
            uuid
            for uuid in edited
            if {k: v for k, v in early[uuid].items() if k != "org_name" and (k != "name" or table == "organizations")}
            != {k: v for k, v in late[uuid].items() if k != "org_name" and (k != "name" or table == "organizations")}
        ]
        assert len(changed) > 50
        assert all(early[uuid]["updated_at"] < "2024-04-22" < late[uuid]["updated_at"] for uuid in changed)
