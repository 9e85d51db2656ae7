"""Crunchbase: exports of several years and answers of the API."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from tests.support.warehouse_home import Home, counts
from tests.unit.dialects.figures import Case, check, utc

FIGURES: dict[tuple[str, str], Case] = {
    ("crunchbase.api_funding_rounds", "rounds of the API: objects inside objects"): (
        "funding_rounds/api.json",
        json.dumps(
            {
                "count": 1,
                "entities": [
                    {
                        "uuid": "r1",
                        "properties": {
                            "announced_on": "2025-04-01",
                            "investment_type": "series_b",
                            "money_raised": {"value": 90, "currency": "EUR", "value_usd": 100_000_000},
                            "num_investors": 3,
                            "funded_organization_identifier": {"uuid": "o1", "value": "Example"},
                            "funded_organization_location": [
                                {"location_type": "city", "value": "Suzhou"},
                                {"location_type": "country", "value": "China"},
                            ],
                            "created_at": "2025-04-02T08:00:00Z",
                            "updated_at": "2025-04-02T08:00:00Z",
                        },
                    }
                ],
            }
        ),
        [
            {
                "round_uuid": "r1",
                "org_uuid": "o1",
                "country_code": "CHN",
                "raised_amount_usd": Decimal(100_000_000),
                "investor_count": 3,
                "knowledge_at": dt.datetime(2025, 4, 2, 8, tzinfo=dt.UTC),
            }
        ],
    ),
    ("crunchbase.api_organizations", "organizations of the API: categories and places are lists"): (
        "organizations/api.jsonl",
        json.dumps(
            {
                "uuid": "o1",
                "properties": {
                    "identifier": {"value": "Example"},
                    "categories": [{"value": "Biotechnology"}, {"value": "Therapeutics"}],
                    "location_identifiers": [{"location_type": "country", "value": "United States"}],
                    "updated_at": "2025-04-02T08:00:00Z",
                },
            }
        ),
        [{"org_uuid": "o1", "name": "Example", "country_code": "USA", "category_list": "Biotechnology,Therapeutics"}],
    ),
    ("crunchbase.funding_rounds_2016", "rounds of 2016: the series stands in a column of its own"): (
        "funding_rounds/2016.csv",
        "funding_round_uuid,company_uuid,announced_on,funding_round_type,funding_round_code,raised_amount_usd,country_code\n"
        "r1,c1,2015-05-01,venture,C,1000000,USA\nr2,c1,2015-06-01,venture,,2000000,USA\nr3,c2,2015-07-01,seed,,,CHN\n",
        [
            {"round_uuid": "r1", "investment_type": "series_c"},
            {"round_uuid": "r2", "investment_type": "series_unknown"},
            {"round_uuid": "r3", "investment_type": "seed", "raised_amount_usd": None},
        ],
    ),
    ("crunchbase.funding_rounds", "rounds of today's export: rank and names are no data"): (
        "funding_rounds/funding_rounds.csv",
        "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,country_code,state_code,region,city,investment_type,"
        "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,post_money_valuation_usd,"
        "post_money_valuation,post_money_valuation_currency_code,investor_count,org_uuid,org_name,lead_investor_uuids\n"
        'r1,"Series B - Béta, Inc.",funding_round,series-b,https://x,123,2025-04-02 08:00:00,2025-05-01 09:30:00,CHN,,'
        'Jiangsu,Suzhou,series_b,2025-04-01,100000000,720000000,CNY,,,,3,o1,Béta,"i1,i2"\n',
        [
            {
                "round_uuid": "r1",
                "org_uuid": "o1",
                "investment_type": "series_b",
                "raised_amount_usd": Decimal(100_000_000),
                "country_code": "CHN",
                "investor_count": 3,
                "knowledge_at": utc("2025-04-02 08:00"),
            }
        ],
    ),
    ("crunchbase.organizations", "organizations of today's export"): (
        "organizations/organizations.csv",
        "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,legal_name,roles,domain,homepage_url,country_code,"
        "state_code,region,city,address,postal_code,status,short_description,category_list,category_groups_list,"
        "num_funding_rounds,total_funding_usd,total_funding,total_funding_currency_code,founded_on,last_funding_on,"
        "closed_on,employee_count,email,phone,facebook_url,linkedin_url,twitter_url,logo_url,alias1,alias2,alias3,"
        "primary_role,num_exits\n"
        "o1,Béta,organization,beta,https://x,9,2020-01-01 00:00:00,2025-05-01 09:30:00,,company,,,HKG,,,,,,operating,"
        '"A, b","Biotechnology,Therapeutics","Biotechnology,Health Care",2,,,,,,,11-50,,,,,,,,,,company,\n',
        [
            {
                "org_uuid": "o1",
                "name": "Béta",
                "country_code": "HKG",
                "category_list": "Biotechnology,Therapeutics",
                "knowledge_at": utc("2025-05-01 09:30"),
            }
        ],
    ),
    ("crunchbase.organizations_2016", "organizations of 2016"): (
        "organizations/2016.csv",
        "company_name,roles,permalink,domain,homepage_url,country_code,state_code,region,city,zipcode,address,status,"
        "short_description,category_list,category_group_list,funding_rounds,funding_total_usd,founded_on,first_funding_on,"
        "last_funding_on,closed_on,employee_count,email,phone,facebook_url,twitter_url,cb_url,logo_url,"
        "profile_image_url,uuid,created_at,updated_at,primary_role\n"
        "Café Bio,company,/organization/cafe,,,USA,CA,,,,,operating,,Biotechnology,Health Care,1,1750000,,,,,"
        "1-10,,,,,,,,"
        "o1,2012-07-01 00:00:00,2016-01-02 03:04:05,company\n",
        [
            {
                "org_uuid": "o1",
                "name": "Café Bio",
                "category_list": "Biotechnology",
                "category_groups_list": "Health Care",
            }
        ],
    ),
    ("crunchbase.companies_2013", "companies of 2013: MacRoman, carriage returns, totals that a spreadsheet damaged"): (
        "organizations/companies.csv",
        (
            "permalink,name,category_code,funding_total_usd,status,country_code,state_code,region,city,funding_rounds,"
            "founded_at,founded_month,founded_quarter,founded_year,first_funding_at,last_funding_at,last_milestone_at\r"
            "/company/cafe,Café,biotech,1.75E+06,operating,USA,CA,SF Bay,SF,1,1/1/2007,2007-01,2007-Q1,2007,6/30/12,,\r"
        ).encode("mac_roman"),
        [{"name": "Café", "country_code": "USA", "category_list": "biotech", "updated_at": None}],
    ),
    ("crunchbase.rounds_2013", "rounds of 2013: no identifier, three kinds of old names"): (
        "funding_rounds/rounds.csv",
        (
            "company_permalink,company_name,company_category_code,company_country_code,company_state_code,"
            "company_region,company_city,funding_round_type,funded_at,funded_month,funded_quarter,funded_year,"
            "raised_amount_usd\r"
            "/company/cafe,Café,biotech,USA,CA,SF Bay,SF,series-c+,2012-06-30,2012-06,2012-Q2,2012,1750000\r"
        ).encode("mac_roman"),
        [
            {
                "investment_type": "series_c",
                "announced_on": dt.date(2012, 6, 30),
                "raised_amount_usd": Decimal(1_750_000),
                "knowledge_at": utc("2012-07-01 00:00"),
            }
        ],
    ),
    ("crunchbase.rounds_2015", "rounds of 2015: Latin-1, permalinks, days first"): (
        "funding_rounds/rounds2015.csv",
        (
            "company_permalink,company_name,company_category_list,company_country_code,company_state_code,company_region,"
            "company_city,funding_round_permalink,funding_round_type,funding_round_code,funded_at,raised_amount_usd\n"
            "/organization/cafe,Café,Biotechnology,FRA,,Paris,Paris,/funding-round/9a,venture,B,2015-01-05,10000000\n"
        ).encode("latin-1"),
        [{"investment_type": "series_b", "country_code": "FRA", "announced_on": dt.date(2015, 1, 5)}],
    ),
    ("crunchbase.api_deleted_entities", "rounds that were withdrawn: an identifier and a moment"): (
        "funding_rounds/deleted.json",
        json.dumps(
            {
                "count": 1,
                "entities": [
                    {
                        "identifier": {"uuid": "r1", "value": "Series B", "entity_def_id": "funding_round"},
                        "deleted_at": "2025-06-01T10:00:00Z",
                    }
                ],
            }
        ),
        [{"round_uuid": "r1", "investment_type": None, "knowledge_at": dt.datetime(2025, 6, 1, 10, tzinfo=dt.UTC)}],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)


def test_rounds_without_identifier_get_one_that_lasts(home: Home) -> None:
    """Two equal records are two rounds, the file landed again is the same rounds, companies join by their permalink."""
    header = (
        "company_permalink,company_name,company_category_code,company_country_code,company_state_code,company_region,"
        "company_city,funding_round_type,funded_at,funded_month,funded_quarter,funded_year,raised_amount_usd"
    )
    rows = [
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,series-c+,2012-06-30,2012-06,2012-Q2,2012,1750000",
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,series-c+,2012-06-30,2012-06,2012-Q2,2012,1750000",
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,crowdfunding,2012-07-30,2012-07,2012-Q3,2012,",
    ]
    home.land("funding_rounds/rounds.csv", "\r".join([header, *rows]) + "\r", "mac_roman")
    home.land(
        "organizations/companies.csv",
        "permalink,name,category_code,country_code\r/company/a,Café,biotech,USA\r",
        "mac_roman",
    )
    home.run()
    rounds, companies = home.raw("funding_rounds"), home.raw("organizations")
    assert [r["investment_type"] for r in rounds] == ["series_c", "series_c", "undisclosed"]
    assert len({r["round_uuid"] for r in rounds}) == 3
    assert {r["org_uuid"] for r in rounds} == {companies[0]["org_uuid"]}
    assert companies[0]["name"] == "Café"
    home.land("funding_rounds/again.csv", "\n".join([header, *rows]) + "\n")
    assert counts(home.run()["funding_rounds"]) == (3, 0, 0, 3)


def test_a_deletion_of_the_api_is_a_version_of_its_round(home: Home) -> None:
    home.land(
        "funding_rounds/rounds.csv",
        "round_uuid,org_uuid,announced_on,investment_type,updated_at\nr1,o1,2025-01-02,seed,2025-01-03 00:00:00\n",
    )
    home.run()
    deleted = {"identifier": {"uuid": "r1", "entity_def_id": "funding_round"}, "deleted_at": "2025-02-01T00:00:00Z"}
    home.land("funding_rounds/deleted.json", json.dumps({"entities": [deleted]}))
    assert counts(home.run()["funding_rounds"]) == (1, 1, 0, 0)
    last = home.raw("funding_rounds")[-1]
    assert last["deleted_at"] == last["knowledge_at"] == dt.datetime(2025, 2, 1, tzinfo=dt.UTC)
    home.land("funding_rounds/broken.csv", "round_uuid,org_uuid,announced_on\nr2,o1,2025-01-02\n")
    home.run()
    assert home.reasons() == ["investment_type: missing"]


def test_a_country_that_is_not_known_refuses_its_row(home: Home) -> None:
    place = [{"location_type": "country", "value": "Atlantis"}]
    home.land(
        "organizations/api.json",
        json.dumps({"entities": [{"uuid": "o1", "properties": {"location_identifiers": place}}]}),
    )
    home.run()
    assert home.reasons() == ["country_code: found 'Atlantis', expected an ISO 3166 alpha-3 country"]
