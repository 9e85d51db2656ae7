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
    "SECTOR_ALERT_SLACK_URL": "http://127.0.0.1:9/services/planted-slack-5d3e8871aa",
    "SECTOR_ALERT_FEISHU_URL": "http://127.0.0.1:9/hook/planted-feishu-c04f19e2b7",
    "SECTOR_ALERT_FEISHU_SECRET": "planted-feishu-secret-9b1c77",
    "SECTOR_ALERT_DINGTALK_URL": "http://127.0.0.1:9/send/planted-dingtalk-e6a2403f18",
    "SECTOR_ALERT_DINGTALK_SECRET": "planted-dingtalk-secret-41d0",
    "SECTOR_ALERT_MAIL_PASSWORD": "planted-mail-b3305ce9",
}
"""By environment variable. Nobody listens at the addresses: what is sent there stays unsent, and is said to."""


def forms(secret: str) -> set[bytes]:
    """A secret as it may stand somewhere: plain, in an address, in a header of basic authentication."""
    texts = {secret, quote(secret), secret.rpartition("/")[2]}
    return {text.encode() for text in texts} | {base64.b64encode(secret.encode()).rstrip(b"=")}


def holders(folder: Path) -> list[str]:
    """Files under a folder whose name or bytes hold a secret."""
    sought = set().union(*map(forms, SECRETS.values()))
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() + str(path).encode() for form in sought)
    ]
