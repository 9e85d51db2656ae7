"""Headers of providers that are no data of any raw table, and why.

Belongs here: what somebody may well land and what no contract has a place for. A header that a dialect of the folder
takes is never looked up here.
"""

from orchestration.dialects.base import Unmapped

UNMAPPED: tuple[Unmapped, ...] = (
    Unmapped(
        "index_detail_hist_adjust_cni",
        ("开始日期", "结束日期", "样本代码", "调整类型"),
        "changes of an index in periods, without weights and no set of a date; land index_detail_hist_cni instead",
    ),
    Unmapped(
        "stock_jgdy_tj_em",
        ("代码", "接待机构数量", "接待日期"),
        "counts of visitors without their names, kept beside the receipts when visits are fetched; "
        "land stock_jgdy_detail_em instead",
    ),
    Unmapped(
        "stock_hsgt_hist_em",
        ("当日成交净买额", "历史累计净买额"),
        "sums over all securities of a channel in three scales; no table holds channel flows",
    ),
    Unmapped(
        "stock_hsgt_individual_em",
        ("持股日期", "持股数量", "持股市值"),
        "holdings by way of a channel; no table holds them",
    ),
    Unmapped(
        "index_classify",
        ("index_code", "industry_name", "level", "industry_code"),
        "a list of industries without companies; sectors are a seed, land index_member_all for their members",
    ),
    Unmapped(
        "sw_index_first_info",
        ("行业代码", "行业名称", "成份个数"),
        "a list of industries without companies; land stock_industry_clf_hist_sw for their members",
    ),
    Unmapped(
        "stock_board_concept_name_em",
        ("板块名称", "板块代码", "领涨股票"),
        "a list of boards without members; land stock_board_concept_cons_em of a board instead",
    ),
    Unmapped(
        "tool_trade_date_hist_sina",
        ("trade_date",),
        "a calendar; those come with the program, and closures at short notice stand in a seed",
        alone=True,
    ),
    Unmapped(
        "Crunchbase's investors.csv or people.csv",
        ("uuid", "permalink", "cb_url", "twitter_url", "logo_url"),
        "investors and persons; no table holds them, organizations.csv has the companies",
    ),
    Unmapped(
        "Crunchbase's investments.csv",
        ("uuid", "funding_round_uuid", "investor_uuid"),
        "who took part in a round; no table holds it, funding_rounds.csv has the rounds",
    ),
    Unmapped(
        "Crunchbase's acquisitions.csv",
        ("uuid", "acquiree_uuid", "acquirer_uuid"),
        "acquisitions; no table holds them",
    ),
    Unmapped(
        "Crunchbase's category_groups.csv",
        ("uuid", "permalink", "cb_url", "category_groups_list"),
        "a list of categories; organizations.csv has those of each company",
    ),
    Unmapped(
        "a Tushare error",
        ("request_id", "code", "msg"),
        "an answer that says why there are no data; ask again",
    ),
    Unmapped(
        "an Eastmoney error",
        ("success", "message", "code", "result"),
        "an answer without data: there are none, or it was asked too fast",
    ),
)
