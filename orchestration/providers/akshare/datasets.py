"""What akshare can be asked for, how a span of days becomes its arguments, and what the answers are called.

Belongs here: one function a dataset, named after akshare's. Does not belong here: how a call is made and judged
(``calls``), units and columns (``orchestration.dialects``), where files lie (``orchestration.fetching``).

What akshare hands over lands as it is: its data frame as CSV, header row, no index, figures as they are written in
Python, dates as ISO. Three things are ours, because the frame cannot tell them:

- **The moment of a snapshot** stands in its name (``20250424T103000+0800``): lists of quotes carry no time, and lists
  of members no day. Hong Kong's free quotes come 15 minutes late, so theirs is the moment of the fetch less 15 minutes,
  and never later than the end of the last session: at the weekend, that is Friday 16:10.
- **``knowledge_at``** is added to snapshots of quotes: the moment of the fetch, which a delayed quote must not precede.
- **A bar of a session that still runs** is no daily bar: spans end with the last session that is over (Shenzhen and
  Shanghai 15:30, where bars still move until then; Hong Kong 16:30), and rows after it are left out of histories that
  cannot be asked for a span.

An answer in which the provider says that there is nothing is a delivery of 0 rows: the header alone, in akshare's
columns. Where there always is something, it is an error: a site that has had enough answers with an empty list.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import importlib.metadata
import importlib.util
import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchestration.calendars import sessions
from orchestration.moments import MARKET_ZONE
from orchestration.providers.akshare.calls import PROVIDER, Frame, Question, TooManyPagesError, Worker
from orchestration.providers.delivery import (
    Dataset,
    Delivery,
    MalformedError,
    Market,
    RefusedError,
    ThrottledError,
    Wanted,
)

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

Deliver = Callable[["Transport", Wanted], Iterator[Delivery]]
