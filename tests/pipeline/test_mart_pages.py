"""``docs/marts``: as the models describe themselves, with queries that answer."""

from pathlib import Path

import pytest

from warehouse.mart_pages import FOLDER, INDEX, render

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def manifest(run) -> Path:
    home, _ = run
    return Path(home) / "build" / "dbt" / "manifest.parsed.json"


def test_the_pages_are_those_of_the_models(manifest):
    pages = render(manifest)
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert found.keys() == pages.keys(), "make docs"
    older = [name for name, text in pages.items() if found[name] != text]
    assert not older, f"make docs: {older}"


def test_every_mart_has_a_page_and_every_link_leads_somewhere(manifest, release):
    marts = {
        name
        for (name,) in release.execute("select table_name from meta.tables where table_schema = 'marts'").fetchall()
    }
    pages = render(manifest)
    assert {name.removesuffix(".md") for name in pages if name != INDEX} == marts
    assert all(f"[{name}]({name}.md)" in pages[INDEX] for name in marts)


def test_every_example_answers(release):
    examples = release.execute("select table_name, example from meta.tables where table_schema = 'marts'").fetchall()
    without = [name for name, example in examples if not example]
    assert not without
    for name, example in examples:
        assert f"from marts.{name}" in example
        assert release.execute(example).fetchall(), f"{name}: no row"
