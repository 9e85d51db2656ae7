"""Funding rounds (Crunchbase shape). Edits and deletions are later versions of a round."""

from orchestration.contracts.base import Contract, Field, Guard, Kind, RowRule

INVESTMENT_TYPES = (
    "angel",
    "convertible_note",
    "corporate_round",
    "debt_financing",
    "equity_crowdfunding",
    "grant",
    "initial_coin_offering",
    "non_equity_assistance",
    "post_ipo_debt",
    "post_ipo_equity",
    "post_ipo_secondary",
    "pre_seed",
    "private_equity",
    "product_crowdfunding",
    "secondary_market",
    "seed",
    *(f"series_{letter}" for letter in "abcdefghij"),
    "series_unknown",
    "undisclosed",
)

CONTRACT = Contract(
    name="funding_rounds",
    grain="a funding round",
    key=("round_uuid",),
    fields=(
        Field("round_uuid", Kind.TEXT, "identifier of the provider"),
        Field("org_uuid", Kind.TEXT, "organization that raised the money"),
        Field("announced_on", Kind.DATE, "day of the announcement", "date"),
        Field("investment_type", Kind.CHOICE, "kind of round", choices=INVESTMENT_TYPES),
        Field("raised_amount_usd", Kind.MONEY, "amount raised; NULL or 0: undisclosed", "USD"),
        Field("country_code", Kind.COUNTRY, "country of the organization at export", "ISO 3166 alpha-3"),
        Field("investor_count", Kind.COUNT, "investors in the round", "investors"),
        Field("created_at", Kind.TIMESTAMP, "when the provider first had the round", "UTC"),
        Field("updated_at", Kind.TIMESTAMP, "last edit at the provider", "UTC"),
        Field("deleted_at", Kind.TIMESTAMP, "when the provider withdrew the round", "UTC"),
    ),
    knowledge="coalesce(created_at, clock(announced_on + 1, 0))",
    own_stamp="updated_at",
    first_version_rule=True,
    deletion_stamp="case when deleted_at is not null then greatest(deleted_at, coalesce(updated_at, deleted_at)) end",
    rules=(
        # A deletion may come as an identifier and a moment alone.
        RowRule("investment_type is null and deleted_at is null", "'investment_type: missing'"),
        RowRule("raised_amount_usd < 0", "'raised_amount_usd: ' || raised_amount_usd || ' is negative'"),
        # Ten times what the world produces in a year. A thousand of them still sum to what the marts' money can hold.
        RowRule(
            "raised_amount_usd >= 1000000000000000",
            "'raised_amount_usd: ' || raised_amount_usd || ' is more than any round'",
        ),
        RowRule("investor_count < 0", "'investor_count: ' || investor_count || ' is negative'"),
    ),
    fallback_encodings=("gb18030", "latin-1"),
    guards=(Guard("raised_amount_usd", "USD", (("thousand USD", 3), ("million USD", 6))),),
)
