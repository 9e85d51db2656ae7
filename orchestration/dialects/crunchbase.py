"""Crunchbase: CSV exports of today, of 2015, of 2016 and of October 2013, and answers of the API (version 4).

The API's objects come as columns ``outer.inner``, its locations as one column a type; countries are written by name.
Today's exports are UTF-8. The files of 2013 are MacRoman, carry no identifiers and cover US companies only.

Every file of an export begins with the same columns (uuid, name, …, country_code), so that each dialect requires the
one that only its file has: people and investors are no organizations, investments no rounds.
"""

from orchestration.dialects.base import CodeStyle, Column, Dialect
from orchestration.dialects.countries import ALPHA_3_BY_NAME

# Until 2016 a series stood in a column of its own, beside the type "venture".
_SERIES = tuple((letter.upper(), f"series_{letter}") for letter in "abcdefghij")
_ROUND_TYPE_AND_CODE = (
    Column("funding_round_code", "investment_type", translate=_SERIES),
    Column("funding_round_type", "investment_type", translate=(("venture", "series_unknown"),)),
)

# "series-c+" is C or later: all of those are one profile and one stage, so the earliest stands for them.
# Of the rest the old name does not tell which of today's is meant: "crowdfunding" is equity or product, "post-ipo"
# equity, debt or secondary, "other" anything.
_ROUND_TYPES_2013 = (
    ("venture", "series_unknown"),
    ("series-a", "series_a"),
    ("series-b", "series_b"),
    ("series-c+", "series_c"),
    ("private-equity", "private_equity"),
    ("crowdfunding", "undisclosed"),
    ("post-ipo", "undisclosed"),
    ("other", "undisclosed"),
)

_PLACE = ("state_code", "region", "city")

# What stands beside the value of an identifier, and the kinds of places beside the country.
_LABELS = ("permalink", "image_id", "entity_def_id")
_PLACES = ("city", "region", "continent", "group")

DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        name="crunchbase.funding_rounds",
        table="funding_rounds",
        columns=(
            Column("uuid", "round_uuid"),
            Column("org_uuid", "org_uuid"),
            Column("announced_on", "announced_on"),
            Column("investment_type", "investment_type"),
            Column("raised_amount_usd", "raised_amount_usd"),
            Column("country_code", "country_code"),
            Column("investor_count", "investor_count"),
            Column("created_at", "created_at"),
            Column("updated_at", "updated_at"),
        ),
        # rank changes daily for everyone.
        ignored=(
            *("name", "type", "permalink", "cb_url", "rank", *_PLACE, "raised_amount", "raised_amount_currency_code"),
            *("post_money_valuation_usd", "post_money_valuation", "post_money_valuation_currency_code"),
            *("org_name", "lead_investor_uuids"),
        ),
        required=("investment_type",),
        encodings=("gb18030", "latin-1"),
    ),
    Dialect(
        name="crunchbase.organizations",
        table="organizations",
        columns=(
            Column("uuid", "org_uuid"),
            Column("name", "name"),
            Column("country_code", "country_code"),
            Column("category_list", "category_list"),
            Column("category_groups_list", "category_groups_list"),
            Column("updated_at", "updated_at"),
        ),
        ignored=(
            *("type", "permalink", "cb_url", "rank", "created_at", "legal_name", "roles", "domain", "homepage_url"),
            *(*_PLACE, "address", "postal_code", "status", "short_description", "num_funding_rounds"),
            *("total_funding_usd", "total_funding", "total_funding_currency_code", "founded_on", "last_funding_on"),
            *("closed_on", "employee_count", "email", "phone", "facebook_url", "linkedin_url", "twitter_url"),
            *("logo_url", "alias1", "alias2", "alias3", "primary_role", "num_exits"),
        ),
        required=("category_list",),
        encodings=("gb18030", "latin-1"),
    ),
    Dialect(
        name="crunchbase.funding_rounds_2016",
        table="funding_rounds",
        columns=(
            Column("funding_round_uuid", "round_uuid"),
            Column("company_uuid", "org_uuid"),
            Column("announced_on", "announced_on"),
            *_ROUND_TYPE_AND_CODE,
            Column("raised_amount_usd", "raised_amount_usd"),
            Column("country_code", "country_code"),
            Column("investor_count", "investor_count"),
            Column("created_at", "created_at"),
            Column("updated_at", "updated_at"),
        ),
        ignored=(
            *("company_name", *_PLACE, "company_category_list", "raised_amount", "raised_amount_currency_code"),
            *("target_money_raised_usd", "target_money_raised", "target_money_raised_currency_code"),
            *("post_money_valuation_usd", "post_money_valuation", "post_money_valuation_currency_code"),
            *("post_money_currency_code", "investor_names", "cb_url"),
        ),
        required=("funding_round_type",),
        encodings=("gb18030", "latin-1"),
    ),
    Dialect(
        name="crunchbase.organizations_2016",
        table="organizations",
        columns=(
            Column("uuid", "org_uuid"),
            Column("company_name", "name"),
            Column("country_code", "country_code"),
            Column("category_list", "category_list"),
            Column("category_group_list", "category_groups_list"),
            Column("updated_at", "updated_at"),
        ),
        ignored=(
            *("roles", "permalink", "domain", "homepage_url", *_PLACE, "zipcode", "address", "status"),
            *("short_description", "funding_rounds", "funding_total_usd", "founded_on", "first_funding_on"),
            *("last_funding_on", "closed_on", "employee_count", "email", "phone", "facebook_url", "cb_url", "logo_url"),
            *("profile_image_url", "twitter_url", "created_at", "primary_role"),
        ),
        required=("company_name",),
        encodings=("gb18030", "latin-1"),
    ),
    Dialect(
        name="crunchbase.api_funding_rounds",
        table="funding_rounds",
        columns=(
            Column("uuid", "round_uuid"),
            Column("properties.funded_organization_identifier.uuid", "org_uuid"),
            Column("properties.announced_on", "announced_on"),
            Column("properties.investment_type", "investment_type"),
            Column("properties.money_raised.value_usd", "raised_amount_usd"),
            Column("properties.funded_organization_location[country]", "country_code", translate=ALPHA_3_BY_NAME),
            Column("properties.num_investors", "investor_count"),
            Column("properties.created_at", "created_at"),
            Column("properties.updated_at", "updated_at"),
        ),
        ignored=(
            *("properties.money_raised.value", "properties.money_raised.currency"),
            *(f"properties.funded_organization_identifier.{label}" for label in ("value", *_LABELS)),
            *(f"properties.funded_organization_location[{place}]" for place in _PLACES),
            # an organization without a place
            "properties.funded_organization_location",
        ),
        required=("properties.investment_type",),
    ),
    Dialect(
        name="crunchbase.api_organizations",
        table="organizations",
        columns=(
            Column("uuid", "org_uuid"),
            Column("properties.identifier.value", "name"),
            Column("properties.location_identifiers[country]", "country_code", translate=ALPHA_3_BY_NAME),
            Column("properties.categories", "category_list"),
            Column("properties.category_groups", "category_groups_list"),
            Column("properties.updated_at", "updated_at"),
        ),
        ignored=(
            *(f"properties.identifier.{label}" for label in ("uuid", *_LABELS)),
            *(f"properties.location_identifiers[{place}]" for place in _PLACES),
            "properties.location_identifiers",
        ),
    ),
    # Withdrawn rounds: an identifier and a moment.
    Dialect(
        name="crunchbase.api_deleted_entities",
        table="funding_rounds",
        columns=(Column("identifier.uuid", "round_uuid"), Column("deleted_at", "deleted_at")),
        ignored=("identifier.value", "identifier.permalink", "identifier.entity_def_id", "identifier.image_id"),
    ),
    Dialect(
        name="crunchbase.rounds_2015",
        table="funding_rounds",
        columns=(
            Column("funding_round_permalink", "round_uuid", style=CodeStyle.DERIVED_ID),
            Column("company_permalink", "org_uuid", style=CodeStyle.DERIVED_ID),
            Column("funded_at", "announced_on"),
            *_ROUND_TYPE_AND_CODE,
            Column("raised_amount_usd", "raised_amount_usd"),
            Column("company_country_code", "country_code"),
        ),
        ignored=(
            *("company_name", "company_category_list", "company_market", "company_state_code", "company_region"),
            *("company_city", "funded_month", "funded_quarter", "funded_year"),
        ),
        required=("funding_round_permalink",),
        encodings=("latin-1",),
    ),
    # Rounds carry no identifier: company, day and type make one, with the occurrence number where they repeat (R71).
    # The amount is left out of it, it may be corrected. Companies are known by their permalink.
    Dialect(
        name="crunchbase.rounds_2013",
        table="funding_rounds",
        columns=(
            Column("company_permalink", "org_uuid", style=CodeStyle.DERIVED_ID),
            Column("funded_at", "announced_on"),
            Column("funding_round_type", "investment_type", translate=_ROUND_TYPES_2013),
            Column("raised_amount_usd", "raised_amount_usd"),
            Column("company_country_code", "country_code"),
        ),
        ignored=(
            *("company_name", "company_category_code", "company_state_code", "company_region", "company_city"),
            *("funded_month", "funded_quarter", "funded_year"),
        ),
        identified_by=("company_permalink", "funded_at", "funding_round_type"),
        derived_key="round_uuid",
        encodings=("mac_roman",),
    ),
    Dialect(
        name="crunchbase.companies_2013",
        table="organizations",
        columns=(
            Column("permalink", "org_uuid", style=CodeStyle.DERIVED_ID),
            Column("name", "name"),
            Column("country_code", "country_code"),
            Column("category_code", "category_list"),
        ),
        # Totals were damaged by a spreadsheet; they follow from the rounds.
        ignored=(
            *("funding_total_usd", "status", *_PLACE, "funding_rounds", "founded_at", "founded_month"),
            *("founded_quarter", "founded_year", "first_funding_at", "last_funding_at", "last_milestone_at"),
        ),
        required=("category_code",),
        encodings=("mac_roman",),
    ),
)
