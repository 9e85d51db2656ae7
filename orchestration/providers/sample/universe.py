"""Who is in the sample: ETFs, indices, securities, sectors.

Codes and names of the Hong Kong innovative-drug companies, of their A shares and of well-known ETFs are real; every
other company and fund is made up and named so, whatever its code may mean elsewhere. All figures are synthetic.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Etf:
    """One fund. ``nav``: unit NAV on the last day, CNY; ``shares``: its first share count in the sample."""

    code: str
    name_zh: str
    name_en: str
    manager: str
    index: str
    listed_on: dt.date
    creation_unit: int
    calendar: str
    nav: float
    shares: int
    tushare_shares: bool = False

    @property
    def number(self) -> str:
        return self.code[:6]

    @property
    def is_shenzhen(self) -> bool:
        return self.code.endswith(".SZ")

    @property
    def follows_hong_kong(self) -> bool:
        return self.index in HONG_KONG_INDICES


@dataclass(frozen=True)
class Security:
    """One share. ``price``: close on the last day, in its currency; ``cap``: relative free-float value."""

    code: str
    name_zh: str
    name_en: str
    issuer_id: str
    listed_on: dt.date
    sector: str | None = None
    price: float = 0.0
    cap: float = 0.0
    priced: bool = True

    @property
    def number(self) -> str:
        return self.code.split(".")[0]

    @property
    def is_hong_kong(self) -> bool:
        return self.code.endswith(".HK")


HONG_KONG_INDICES = frozenset({"987018.CNI", "931250.CSI", "HSI.HI", "HSTECH.HI"})

NOTE_ETF = "159567.SZ"
NOTE_INDEX = "987018.CNI"

_UNIT = 1_000_000
# fmt: off
_ETF_ROWS: tuple[tuple[str, str, str, str, str, str, str, float, int], ...] = (
    # code, name_zh, name_en, manager, index, listed_on, calendar, nav, first shares in millions
    ("159567.SZ", "港股创新药ETF银华", "Yinhua HK Connect Innovative Drug ETF", "Yinhua Fund",
     NOTE_INDEX, "2024-01-12", "southbound", 1.2353, 236),
    ("159570.SZ", "港股通创新药ETF汇添富", "CUAM HK Connect Innovative Drug ETF", "China Universal",
     NOTE_INDEX, "2024-01-10", "", 1.2480, 410),
    ("159217.SZ", "港股通创新药ETF工银", "ICBCCS HK Connect Innovative Drug ETF", "ICBC Credit Suisse",
     NOTE_INDEX, "2025-03-06", "", 1.1320, 250),
    ("520101.SH", "港股通创新药ETF样例", "Sample HK Connect Innovative Drug ETF", "Sample Fund",
     NOTE_INDEX, "2024-06-18", "", 1.3110, 180),
    ("520201.SH", "港股通创药ETF样例一", "Sample CSI HK Drug ETF 1", "Sample Fund",
     "931250.CSI", "2023-01-12", "", 0.8820, 320),
    ("520202.SH", "港股通创药ETF样例二", "Sample CSI HK Drug ETF 2", "Sample Fund",
     "931250.CSI", "2023-03-15", "", 0.9140, 260),
    ("520203.SH", "港股通创药ETF样例三", "Sample CSI HK Drug ETF 3", "Sample Fund",
     "931250.CSI", "2024-02-21", "", 1.1870, 150),
    ("159801.SZ", "港股通创药ETF样例四", "Sample CSI HK Drug ETF 4", "Sample Fund",
     "931250.CSI", "2023-02-08", "", 0.8460, 210),
    ("159802.SZ", "港股通创药ETF样例五", "Sample CSI HK Drug ETF 5", "Sample Fund",
     "931250.CSI", "2023-09-19", "", 0.9630, 130),
    ("159920.SZ", "恒生ETF(QDII)", "ChinaAMC Hang Seng ETF (QDII)", "ChinaAMC",
     "HSI.HI", "2012-10-22", "hk", 1.3160, 9200),
    ("513660.SH", "恒生ETF沪港通(QDII)", "ChinaAMC Connect Hang Seng ETF (QDII)", "ChinaAMC",
     "HSI.HI", "2015-01-26", "hk", 2.4530, 900),
    ("513210.SH", "恒生ETF样例一(QDII)", "Sample Hang Seng ETF 1 (QDII)", "Sample Fund",
     "HSI.HI", "2022-03-09", "hk", 1.1080, 310),
    ("513600.SH", "恒生ETF样例二(QDII)", "Sample Hang Seng ETF 2 (QDII)", "Sample Fund",
     "HSI.HI", "2015-02-09", "hk", 2.3820, 260),
    ("159312.SZ", "恒生ETF样例三(QDII)", "Sample Hang Seng ETF 3 (QDII)", "Sample Fund",
     "HSI.HI", "2024-05-21", "hk", 1.2010, 140),
    ("513130.SH", "恒生科技ETF(QDII)", "Huatai-PB Hang Seng TECH ETF (QDII)", "Huatai-PineBridge",
     "HSTECH.HI", "2021-06-01", "hk", 0.6480, 21000),
    ("513180.SH", "恒生科技指数ETF(QDII)", "ChinaAMC Hang Seng TECH ETF (QDII)", "ChinaAMC",
     "HSTECH.HI", "2021-05-25", "hk", 0.6710, 26000),
    ("159740.SZ", "恒生科技ETF大成(QDII)", "Dacheng Hang Seng TECH ETF (QDII)", "Dacheng",
     "HSTECH.HI", "2021-05-26", "hk", 0.6360, 8600),
    ("513010.SH", "恒生科技30ETF(QDII)", "E Fund Hang Seng TECH ETF (QDII)", "E Fund",
     "HSTECH.HI", "2021-05-27", "hk", 0.6940, 6800),
    ("513380.SH", "恒生科技ETF样例一(QDII)", "Sample Hang Seng TECH ETF 1 (QDII)", "Sample Fund",
     "HSTECH.HI", "2021-12-28", "hk", 0.7050, 2100),
    ("513580.SH", "恒生科技ETF样例二(QDII)", "Sample Hang Seng TECH ETF 2 (QDII)", "Sample Fund",
     "HSTECH.HI", "2021-05-31", "hk", 0.6530, 1700),
    ("159742.SZ", "恒生科技ETF样例三(QDII)", "Sample Hang Seng TECH ETF 3 (QDII)", "Sample Fund",
     "HSTECH.HI", "2021-07-06", "hk", 0.6620, 3100),
    ("510300.SH", "沪深300ETF", "Huatai-PB CSI 300 ETF", "Huatai-PineBridge",
     "000300.SH", "2012-05-28", "domestic", 3.8620, 41000),
    ("510310.SH", "沪深300ETF易方达", "E Fund CSI 300 ETF", "E Fund",
     "000300.SH", "2013-03-25", "domestic", 3.7010, 28000),
    ("510330.SH", "沪深300ETF华夏", "ChinaAMC CSI 300 ETF", "ChinaAMC",
     "000300.SH", "2013-01-16", "domestic", 3.8890, 21000),
    ("159919.SZ", "沪深300ETF嘉实", "Harvest CSI 300 ETF", "Harvest",
     "000300.SH", "2012-05-28", "", 3.8740, 19000),
    ("510350.SH", "沪深300ETF工银", "ICBCCS CSI 300 ETF", "ICBC Credit Suisse",
     "000300.SH", "2019-05-20", "domestic", 4.0150, 1200),
    ("510360.SH", "沪深300ETF广发", "GF CSI 300 ETF", "GF Fund",
     "000300.SH", "2015-09-10", "domestic", 1.4110, 2600),
    ("510380.SH", "沪深300ETF国寿", "China Life AMP CSI 300 ETF", "China Life AMP",
     "000300.SH", "2018-02-01", "domestic", 0.9870, 600),
    ("515330.SH", "沪深300ETF天弘", "Tianhong CSI 300 ETF", "Tianhong",
     "000300.SH", "2019-12-27", "domestic", 0.9480, 3300),
    ("159925.SZ", "沪深300ETF南方", "China Southern CSI 300 ETF", "China Southern",
     "000300.SH", "2013-04-11", "", 1.9730, 900),
    ("159915.SZ", "创业板ETF", "E Fund ChiNext ETF", "E Fund",
     "399006.SZ", "2011-12-09", "", 1.8970, 27000),
    ("159952.SZ", "创业板ETF广发", "GF ChiNext ETF", "GF Fund",
     "399006.SZ", "2017-05-12", "", 1.1130, 7800),
    ("159948.SZ", "创业板ETF南方", "China Southern ChiNext ETF", "China Southern",
     "399006.SZ", "2016-06-17", "", 1.8540, 3100),
    ("159957.SZ", "创业板ETF华夏", "ChinaAMC ChiNext ETF", "ChinaAMC",
     "399006.SZ", "2018-01-08", "", 1.1470, 1300),
    ("159958.SZ", "创业板ETF工银", "ICBCCS ChiNext ETF", "ICBC Credit Suisse",
     "399006.SZ", "2018-01-22", "", 1.1890, 700),
    ("159955.SZ", "创业板ETF嘉实", "Harvest ChiNext ETF", "Harvest",
     "399006.SZ", "2017-07-26", "domestic", 1.0820, 500),
    ("159964.SZ", "创业板ETF平安", "Ping An ChiNext ETF", "Ping An",
     "399006.SZ", "2019-04-12", "domestic", 1.2260, 400),
    ("159977.SZ", "创业板ETF天弘", "Tianhong ChiNext ETF", "Tianhong",
     "399006.SZ", "2019-09-27", "", 0.9050, 4200),
    ("159971.SZ", "创业板ETF富国", "Fullgoal ChiNext ETF", "Fullgoal",
     "399006.SZ", "2019-07-02", "domestic", 1.2980, 350),
    ("159810.SZ", "创业板ETF样例", "Sample ChiNext ETF", "Sample Fund",
     "399006.SZ", "2020-06-15", "", 0.7740, 450),
)
# fmt: on

TUSHARE_SHARE_FUNDS = frozenset({"510350.SH", "510360.SH", "510380.SH", "515330.SH"})


def etfs() -> list[Etf]:
    """The sample's ETFs, the note's first."""
    return [
        Etf(
            code,
            zh,
            en,
            manager,
            index,
            dt.date.fromisoformat(listed),
            _UNIT,
            calendar,
            nav,
            millions * 1_000_000,
            code in TUSHARE_SHARE_FUNDS,
        )
        for code, zh, en, manager, index, listed, calendar, nav, millions in _ETF_ROWS
    ]


SECTORS: tuple[tuple[str, str, str, int, int], ...] = (
    # Shenwan 2021 L1: code, name, English name, A-share companies, of them visited by brokers in April 2025
    ("801010", "农林牧渔", "Agriculture", 20, 8),
    ("801030", "基础化工", "Chemicals", 38, 24),
    ("801040", "钢铁", "Steel", 12, 4),
    ("801050", "有色金属", "Nonferrous metals", 24, 12),
    ("801080", "电子", "Electronics", 95, 60),
    ("801880", "汽车", "Automobiles", 38, 22),
    ("801110", "家用电器", "Appliances", 20, 10),
    ("801120", "食品饮料", "Food and beverage", 26, 14),
    ("801130", "纺织服饰", "Textiles", 16, 7),
    ("801140", "轻工制造", "Light industry", 18, 8),
    ("801150", "医药生物", "Pharma and biotech", 85, 46),
    ("801160", "公用事业", "Utilities", 16, 6),
    ("801170", "交通运输", "Transport", 16, 6),
    ("801180", "房地产", "Real estate", 12, 3),
    ("801200", "商贸零售", "Retail", 14, 6),
    ("801210", "社会服务", "Services", 12, 5),
    ("801780", "银行", "Banks", 12, 5),
    ("801790", "非银金融", "Non-bank financials", 14, 5),
    ("801230", "综合", "Conglomerates", 6, 1),
    ("801710", "建筑材料", "Building materials", 14, 5),
    ("801720", "建筑装饰", "Construction", 16, 6),
    ("801730", "电力设备", "Power equipment", 45, 28),
    ("801890", "机械设备", "Machinery", 60, 38),
    ("801740", "国防军工", "Defence", 26, 14),
    ("801750", "计算机", "Computers", 45, 27),
    ("801760", "传媒", "Media", 20, 9),
    ("801770", "通信", "Telecom", 24, 13),
    ("801950", "煤炭", "Coal", 10, 3),
    ("801960", "石油石化", "Petroleum", 10, 3),
    ("801970", "环保", "Environment", 16, 6),
    ("801980", "美容护理", "Beauty care", 10, 4),
)
HEALTHCARE = "801150"
UNCLASSIFIED_COMPANIES = 5
UNCLASSIFIED_VISITED = 3

# fmt: off
_HONG_KONG_ROWS: tuple[tuple[str, str, str, str, float, float], ...] = (
    # code, name_zh, name_en, listed_on, close on the last day HKD, free-float weight in percent (0: outside 987018)
    ("01801", "信达生物", "Innovent Biologics", "2018-10-31", 47.95, 9.4),
    ("02269", "药明生物", "WuXi Biologics", "2017-06-13", 22.35, 8.9),
    ("06160", "百济神州", "BeiGene", "2018-08-08", 149.20, 8.6),
    ("01093", "石药集团", "CSPC Pharmaceutical", "1994-06-21", 5.62, 7.1),
    ("01177", "中国生物制药", "Sino Biopharmaceutical", "2000-09-29", 3.74, 7.0),
    ("09926", "康方生物", "Akeso", "2020-04-24", 88.35, 7.4),
    ("03692", "翰森制药", "Hansoh Pharmaceutical", "2019-06-14", 22.75, 5.4),
    ("01530", "三生制药", "3SBio", "2015-06-11", 11.98, 3.7),
    ("09688", "再鼎医药", "Zai Lab", "2020-09-28", 24.30, 3.2),
    ("06855", "亚盛医药", "Ascentage Pharma", "2019-10-28", 44.15, 1.6),
    ("09995", "荣昌生物", "RemeGen", "2020-11-09", 42.30, 1.3),
    ("01877", "君实生物", "Junshi Biosciences", "2018-12-24", 15.56, 1.2),
    ("06821", "凯莱英", "Asymchem", "2021-12-10", 58.45, 1.0),
    ("09969", "诺诚健华", "InnoCare Pharma", "2020-03-23", 10.72, 1.5),
    ("01548", "金斯瑞生物科技", "GenScript Biotech", "2015-12-30", 11.46, 2.9),
    ("00013", "和黄医药", "Hutchmed", "2021-06-30", 22.60, 1.7),
    ("06990", "科伦博泰生物", "Kelun-Biotech", "2023-07-11", 262.40, 4.3),
    ("02359", "药明康德", "WuXi AppTec", "2018-12-13", 62.35, 5.2),
    ("03759", "康龙化成", "Pharmaron Beijing", "2019-11-28", 14.88, 1.3),
    ("02268", "药明合联", "WuXi XDC", "2023-11-17", 36.25, 2.5),
    ("02228", "晶泰控股", "XtalPi", "2024-06-13", 5.28, 2.4),
    ("00867", "康哲药业", "China Medical System", "2010-09-28", 8.05, 2.1),
    ("01477", "欧康维视生物", "Ocumension Therapeutics", "2020-07-10", 6.04, 0.5),
    ("03347", "泰格医药", "Hangzhou Tigermed", "2020-08-07", 31.40, 0.9),
    ("06127", "昭衍新药", "JOINN Laboratories", "2021-02-26", 11.02, 0.5),
    ("01873", "维亚生物", "Viva Biotech", "2019-05-09", 1.28, 0.0),
    ("01521", "方达控股", "Frontage Holdings", "2019-05-30", 1.02, 0.0),
    ("06618", "京东健康", "JD Health", "2020-12-08", 36.85, 0.0),
    ("00241", "阿里健康", "Alibaba Health", "1996-07-19", 4.63, 0.0),
)
# fmt: on
HONG_KONG_SECURITIES = 60

_TWINS: dict[str, tuple[str, str, float]] = {
    # A share -> H share, listed_on, close CNY
    "002821.SZ": ("06821", "2016-11-18", 78.66),
    "603259.SH": ("02359", "2018-05-08", 59.32),
    "300759.SZ": ("03759", "2019-01-28", 24.87),
    "300347.SZ": ("03347", "2012-08-17", 46.03),
    "603127.SH": ("06127", "2017-08-25", 16.91),
    "688180.SH": ("01877", "2020-07-15", 32.44),
    "688331.SH": ("09995", "2022-03-31", 41.75),
    "688428.SH": ("09969", "2022-09-21", 18.37),
    "688235.SH": ("06160", "2021-12-15", 231.08),
}

CRO_MEMBERS: tuple[str, ...] = (
    "02359.HK",
    "06821.HK",
    "03759.HK",
    "03347.HK",
    "06127.HK",
    "02269.HK",
    "02268.HK",
    "01873.HK",
    "01521.HK",
    "002821.SZ",
    "603259.SH",
    "300759.SZ",
    "300347.SZ",
    "603127.SH",
)
PRICED_A_SHARES = 240
_A_SHARE_BOARDS = ("000", "300", "603", "301", "002", "300", "688", "300", "600")
_BOARD_START = {"300": 700, "603": 300, "002": 700, "688": 500, "600": 200, "301": 100, "000": 550}


@dataclass(frozen=True)
class Universe:
    """All securities; ``hong_kong`` and ``a_shares`` have prices, ``unpriced`` only visits and a sector."""

    hong_kong: list[Security]
    a_shares: list[Security]
    unpriced: list[Security]
    etfs: list[Etf] = field(default_factory=etfs)

    @property
    def companies(self) -> list[Security]:
        """A shares with and without prices."""
        return self.a_shares + self.unpriced


def _random_day(rng: np.random.Generator, first: str, last: str) -> dt.date:
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return start + dt.timedelta(days=int(rng.integers((end - start).days)))


def universe(rng: np.random.Generator) -> Universe:
    """Draw the made-up companies around the real ones."""
    hong_kong = [
        Security(f"{code}.HK", zh, en, f"CO-{code}", dt.date.fromisoformat(listed), HEALTHCARE, price, weight)
        for code, zh, en, listed, price, weight in _HONG_KONG_ROWS
    ]
    for n in range(1, HONG_KONG_SECURITIES - len(hong_kong) + 1):
        code = f"{9300 + n:05d}"
        hong_kong.append(
            Security(
                f"{code}.HK",
                f"样例港药{n:02d}",
                f"Sample HK Pharma {n:02d}",
                f"CO-{code}",
                _random_day(rng, "2016-01-04", "2022-12-30"),
                HEALTHCARE,
                round(float(np.exp(rng.normal(2.2, 0.7))), 2),
                round(float(rng.uniform(0.3, 1.1)), 2),
            )
        )
    by_number = {security.number: security for security in hong_kong}
    twins = [
        Security(
            code,
            by_number[hk].name_zh,
            by_number[hk].name_en,
            by_number[hk].issuer_id,
            dt.date.fromisoformat(listed),
            HEALTHCARE,
            price,
            1.2,
        )
        for code, (hk, listed, price) in _TWINS.items()
    ]
    priced, unpriced = list(twins), list[Security]()
    following, taken = dict(_BOARD_START), {twin.number for twin in twins}
    share = (PRICED_A_SHARES - len(twins)) / (sum(row[3] for row in SECTORS) - len(twins))
    owed = 0.0
    plan: list[tuple[str | None, str, str, int]] = [
        *((code, zh, en, n) for code, zh, en, n, _ in SECTORS),
        (None, "未分类", "Unclassified", UNCLASSIFIED_COMPANIES),
    ]
    for sector, zh, en, members in plan:
        made_up = members - (len(twins) if sector == HEALTHCARE else 0)
        owed += share * made_up if sector else 0.0
        with_price = min(round(owed), made_up) if sector else 0
        owed -= with_price
        for n in range(1, made_up + 1):
            board = _A_SHARE_BOARDS[n % len(_A_SHARE_BOARDS)]
            following[board] += 1
            while f"{board}{following[board]:03d}" in taken:
                following[board] += 1
            number = f"{board}{following[board]:03d}"
            is_priced = n <= with_price
            security = Security(
                f"{number}.{'SH' if board[0] == '6' else 'SZ'}",
                f"样例{zh}{n:02d}",
                f"Sample {en} {n:02d}",
                f"CO-{number}",
                _random_day(rng, "2005-01-04", "2022-12-30"),
                sector,
                round(float(np.exp(rng.normal(2.9, 0.7))), 2),
                float(np.exp(rng.normal(0.0, 0.8))),
                is_priced,
            )
            (priced if is_priced else unpriced).append(security)
    return Universe(hong_kong, sorted(priced, key=lambda s: s.code), unpriced)
