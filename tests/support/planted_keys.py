"""Keys that tests put where real ones stand, and a look for them in whatever was written.

Belongs here: the keys, the forms in which they may stand somewhere. Does not belong here: who is given them.
"""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

SECRETS = {
    "SECTOR_TUSHARE_TOKEN": "planted-tushare-7c1e5d0b94",
    "SECTOR_CRUNCHBASE_KEY": "planted-crunchbase-2f8a6630ce",
}
"""By environment variable."""


def forms(secret: str) -> set[bytes]:
    """A secret as it may stand somewhere: plain, in an address, in a header of basic authentication."""
    return {secret.encode(), quote(secret).encode(), base64.b64encode(secret.encode()).rstrip(b"=")}


def holders(folder: Path) -> list[str]:
    """Files under a folder whose name or bytes hold a secret."""
    sought = set().union(*map(forms, SECRETS.values()))
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() + str(path).encode() for form in sought)
    ]
