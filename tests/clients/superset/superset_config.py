"""Configuration of the Superset that the smoke starts: its own defaults, apart from what follows."""

import os

from superset.config import TALISMAN_CONFIG  # this file is read while that module is still being loaded

SECRET_KEY = os.environ["SMOKE_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db?check_same_thread=false"

# Superset's pages ask its maker's host for a pixel; the off-switch in the environment is read when its pages are built,
# not when they are served.
TALISMAN_CONFIG["content_security_policy"]["img-src"] = ["'self'", "blob:", "data:"]
