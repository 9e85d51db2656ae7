"""The pictures of docs/pictures, made anew from the sample: `make pictures`.

The note, the checks and the assets are those of the sample as they stood on its morning, so that they show what a desk
sees: completeness below one, growth that differs with the age of the data.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from orchestration.paths import PROJECT_ROOT
from orchestration.settings import Settings
from tests.support.chromium import chromium
from tests.support.ui import Ui

PICTURES = PROJECT_ROOT / "docs" / "pictures"
MORNING = "2025-04-24 10:30"
LARGEST = 200_000
"""Bytes of a picture: they live in the repository."""

SETTLING = 5_000
"""Milliseconds."""

COLOURS = 256
"""Of the palette: enough for text and flat surfaces, at a third of the bytes."""


def build(home: Path) -> None:
    """Land the sample in ``home`` and make its morning's release the current one."""
    for words in (["sample"], ["run", "--as-of", MORNING, "--current"]):
        subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *words],
            cwd=PROJECT_ROOT,
            env={**os.environ, "SECTOR_HOME": str(home)},
            check=True,
            stdout=subprocess.DEVNULL,
        )


def keep(page: Any, name: str, width: int, height: int, target: Path) -> None:
    """The upper part of a page as ``target/name.png``, with a palette where Pillow is installed."""
    path = target / f"{name}.png"
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True)
    if importlib.util.find_spec("PIL"):
        from PIL import Image

        with Image.open(path) as taken:
            small = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(
            f"{path}: {size:,} bytes, at most {LARGEST:,}: install pillow beside, or show less of the page"
        )
    print(f"{path}: {size:,} bytes")  # noqa: T201 (a script tells what it made)


def _end_of_charts(page: Any) -> int:
    box = page.locator(".charts").bounding_box()
    return int(box["y"] + box["height"]) + 24


def take(home: Path, target: Path, log: Path) -> None:
    """All pictures of the current release under ``home``."""
    settings = Settings(home=home)
    target.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1120, "height": 900})
        page.goto((settings.current / "note.html").resolve().as_uri())
        keep(page, "note", 1120, _end_of_charts(page), target)
        page.goto((settings.current / "checks.html").resolve().as_uri())
        keep(page, "checks", 1120, 760, target)
        page.set_viewport_size({"width": 390, "height": 900})
        page.goto((settings.current / "note.html").resolve().as_uri())
        keep(page, "note-on-a-phone", 390, 1500, target)
        served = Ui(settings, log)
        try:
            served.wait_until_loaded()
            page.set_viewport_size({"width": 1400, "height": 800})
            page.set_default_timeout(90_000)
            for view, name, shown in (("overview", "dagster", "inflow_days"), ("lineage", "lineage", "int_etf_flows")):
                page.goto(f"{served.url}/assets/marts/fct_etf_flow_window?view={view}")
                page.get_by_text(shown).first.wait_for()
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(SETTLING)  # icons and histories are drawn once the answers are in
                keep(page, name, 1400, 800, target)
        finally:
            served.stop()


def main() -> None:
    """Build a sample of its own, or look at the one under ``--home``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path, help="a SECTOR_HOME that has a release already")
    arguments.add_argument("--target", type=Path, default=PICTURES)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = given.home or Path(scratch) / "home"
        if given.home is None:
            build(home)
        take(home, given.target, Path(scratch) / "ui.log")


if __name__ == "__main__":
    main()
