"""Companies that raise money (Crunchbase shape)."""

from orchestration.contracts.base import Contract, Field, Kind

CONTRACT = Contract(
    name="organizations",
    grain="an organization",
    key=("org_uuid",),
    fields=(
        Field("org_uuid", Kind.TEXT, "identifier of the provider"),
        Field("name", Kind.TEXT, "name"),
        Field("country_code", Kind.COUNTRY, "country of the headquarters", "ISO 3166 alpha-3"),
        Field("category_list", Kind.TEXT, "categories, separated by commas"),
        Field("category_groups_list", Kind.TEXT, "category groups, separated by commas"),
        Field("updated_at", Kind.TIMESTAMP, "last edit at the provider", "UTC"),
    ),
    knowledge="cast(null as timestamptz)",
    own_stamp="updated_at",
    fallback_encodings=("gb18030", "latin-1"),
)
