"""From landed bytes to typed, append-only raw batches. Knows no Dagster and no provider.

``files`` opens, ``decoding`` and ``records`` read, ``typing`` holds rows against their contract, ``versions`` decides
what is new, ``ledger`` remembers, ``run`` puts them in order.
"""

from orchestration.ingest.ledger import BatchReport, Ledger, TableReport
from orchestration.ingest.run import STRAYS, ingest_strays, ingest_table, unread

__all__ = ["STRAYS", "BatchReport", "Ledger", "TableReport", "ingest_strays", "ingest_table", "unread"]
