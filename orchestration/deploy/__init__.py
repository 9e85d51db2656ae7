"""Configuration files of a Dagster instance; no code."""
