"""How data gets in and what runs when: contracts, dialects, ingest, providers, and the thin Dagster layer over them."""
