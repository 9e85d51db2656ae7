"""Where an asset's pages are: an address where `sector ui` serves them, else the file. Shown as metadata of assets."""

from __future__ import annotations

import dagster as dg

from orchestration.settings import Settings

NOTE, CHECKS, DOCS = "note.html", "checks.html", "docs.html"


def page(settings: Settings, name: str, fragment: str = "") -> dg.MetadataValue:
    """A page of the current release: ``NOTE``, ``CHECKS`` or ``DOCS``."""
    if settings.pages_at:
        return dg.MetadataValue.url(f"{settings.pages_at}/{name}{fragment}")
    return dg.MetadataValue.path(str(settings.current / name))


def model_docs(settings: Settings, unique_id: str) -> dg.MetadataValue:
    """The dbt documentation of a model or seed, by its id in the manifest."""
    return page(settings, DOCS, f"#!/{unique_id.split('.', 1)[0]}/{unique_id}")


def refused(settings: Settings) -> dg.MetadataValue:
    """The checks of the last build that was refused."""
    if settings.pages_at:
        return dg.MetadataValue.url(f"{settings.pages_at}/refused.html")
    return dg.MetadataValue.path(str(settings.build / CHECKS))


def quarantine(settings: Settings, table: str) -> dg.MetadataValue:
    """The refused rows and files of a raw table."""
    if settings.pages_at:
        return dg.MetadataValue.url(f"{settings.pages_at}/quarantine/{table}.html")
    return dg.MetadataValue.path(str(settings.quarantine / table))
