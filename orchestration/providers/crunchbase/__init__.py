"""Crunchbase: records that changed and rounds that were withdrawn, by the API (version 4); all at once, by CSV export.

Belongs here: what can be asked for. The questions and the reading of their answers are in ``search`` (records by the
moment of their last edit), ``deletions`` and ``export``; what a record means is the dialect's
(``orchestration.dialects``).

Sources: the providers' OpenAPI documents of 2026-08 (base address, page sizes, ``deleted_at_order``, the header), and
its documentation: keyset paging by ``after_id``, 200 calls a minute, an Enterprise or Applications licence for search.
Data under these licences may not be passed on.
"""

from __future__ import annotations

import datetime as dt

from orchestration.providers.crunchbase.access import CLIENT_VERSION, missing_key
from orchestration.providers.crunchbase.deletions import deliver_deleted_rounds
from orchestration.providers.crunchbase.export import deliver_export, unreadable_file
from orchestration.providers.crunchbase.search import FUNDING_ROUNDS, ORGANIZATIONS, deliver_changes
from orchestration.providers.delivery import Dataset

EVERYTHING_DAYS = 25 * 366
"""A first fetch asks for all records: nothing at the provider was edited before it began, in 2005."""

OVERLAP = dt.timedelta(days=1)
"""Search and export are refreshed daily, so that an edit may appear in an answer up to a day after the moment that it
carries; what comes twice is an exact repeat and adds nothing."""

DATASETS: tuple[Dataset, ...] = (
    Dataset(
        provider="crunchbase",
        name="funding_rounds",
        tables=("funding_rounds",),
        description="Funding rounds edited since the last fetch; at first all of them, some 800 pages.",
        deliver=deliver_changes(FUNDING_ROUNDS),
        client_version=lambda: CLIENT_VERSION,
        look_back_days=EVERYTHING_DAYS,
        cursor_overlap=OVERLAP,
        times=("daily",),
        missing=missing_key,
    ),
    Dataset(
        provider="crunchbase",
        name="organizations",
        tables=("organizations",),
        description="Organizations edited since the last fetch; at first all of them, some 4,200 pages.",
        deliver=deliver_changes(ORGANIZATIONS),
        client_version=lambda: CLIENT_VERSION,
        look_back_days=EVERYTHING_DAYS,
        cursor_overlap=OVERLAP,
        times=("daily",),
        missing=missing_key,
    ),
    Dataset(
        provider="crunchbase",
        name="deleted_funding_rounds",
        tables=("funding_rounds",),
        description="Funding rounds withdrawn since the last fetch; at first all of them.",
        deliver=deliver_deleted_rounds,
        client_version=lambda: CLIENT_VERSION,
        look_back_days=EVERYTHING_DAYS,
        cursor_overlap=OVERLAP,
        times=("daily",),
        missing=missing_key,
    ),
    Dataset(
        provider="crunchbase",
        name="bulk_export",
        tables=("funding_rounds", "organizations"),
        description="All funding rounds and organizations of today's CSV export, gigabytes; or of --from FILE.",
        deliver=deliver_export,
        client_version=lambda: CLIENT_VERSION,
        look_back_days=0,
        # everything anew each time: a beginning, or a check of what the changes came to
        times=(),
        reads_file=True,
        missing=missing_key,
        unfit=unreadable_file,
    ),
)
