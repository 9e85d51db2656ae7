"""Names of countries as providers write them."""

from __future__ import annotations

import re

import pytest

from orchestration.dialects.countries import ALPHA_3_BY_NAME

BY_NAME = dict(ALPHA_3_BY_NAME)

ISO_3166 = re.findall(
    "[A-Z]{3}",
    "ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM "
    "BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR "
    "CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB "
    "GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA "
    "JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA "
    "MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR "
    "NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS "
    "SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON "
    "TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE",
)


def test_every_country_of_the_standard_has_a_name() -> None:
    assert len(ISO_3166) == 249
    assert set(ISO_3166) <= set(BY_NAME.values())
    assert set(BY_NAME.values()) - set(ISO_3166) == {"XKX", "ANT", "SCG"}


def test_a_name_means_one_country() -> None:
    assert len(BY_NAME) == len(ALPHA_3_BY_NAME)
    assert all(name == name.strip() and re.fullmatch("[A-Z]{3}", code) for name, code in ALPHA_3_BY_NAME)
    assert not set(BY_NAME) & set(ISO_3166), "a code is no name of another country"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United States", "USA"),
        ("China", "CHN"),
        ("Hong Kong", "HKG"),
        ("Macao", "MAC"),
        ("Taiwan", "TWN"),
        ("South Korea", "KOR"),
        ("North Korea", "PRK"),
        ("Russian Federation", "RUS"),
        ("The Netherlands", "NLD"),
        ("Viet Nam", "VNM"),
        ("Vietnam", "VNM"),
        ("United Kingdom", "GBR"),
        ("Czech Republic", "CZE"),
        ("Türkiye", "TUR"),
        ("Iran, Islamic Republic of", "IRN"),
        ("Cote d'Ivoire", "CIV"),
        ("Côte d'Ivoire", "CIV"),
        ("Congo, The Democratic Republic of the", "COD"),
        ("Palestinian Territory, Occupied", "PSE"),
        ("Tanzania", "TZA"),
        ("Lao People's Democratic Republic", "LAO"),
        ("Brunei Darussalam", "BRN"),
        ("Moldova, Republic of", "MDA"),
        ("Macedonia, the former Yugoslav Republic of", "MKD"),
        ("Holy See (Vatican City State)", "VAT"),
        ("Guinea", "GIN"),
        ("Guinea-Bissau", "GNB"),
        ("Equatorial Guinea", "GNQ"),
        ("Niger", "NER"),
        ("Dominica", "DMA"),
        ("Dominican Republic", "DOM"),
        ("Republic of the Congo", "COG"),
        ("Samoa", "WSM"),
        ("American Samoa", "ASM"),
        ("Georgia", "GEO"),
    ],
)
def test_names_as_they_are_written(name: str, code: str) -> None:
    assert BY_NAME[name] == code
