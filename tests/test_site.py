"""The site: complete, searchable, readable with other senses, and nothing fetched."""

import importlib.util
import json

import pytest
from chromium import chromium, requests, resize, violations

from smicnb.base.errors import SmicnbError

PAGES = (
    "index.html",
    "README.html",
    "docs/guides/codec.html",
    "docs/protocol.html",
    "docs/notebooks/03_reconstruction.html",
    "docs/notebooks/09_sic_ablations.html",
    "reference/index.html",
)


@pytest.fixture(scope="module")
def site(repository, load_tool, tmp_path_factory):
    """The site with the reference of one folder of modules; `make docs` has that of all."""
    for name in ("pdoc", "mistune"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"the package '{name}' is not here: make setup")
    folder = tmp_path_factory.mktemp("site")
    load_tool("write_site").Site(folder, repository, "smicnb.codec.format").write()  # it follows every link
    return folder


def test_every_page_of_the_repository_is_in_it_and_is_found(repository, site):
    entries = json.loads(
        (site / "search.js").read_text(encoding="utf-8").removeprefix("const ENTRIES = ").rstrip(";\n")
    )
    addresses = {address.partition("#")[0] for address, _, _ in entries}
    for path in [repository / "README.md", *(repository / "docs").rglob("*.md")]:
        place = path.relative_to(repository).with_suffix(".html").as_posix()
        assert (site / place).is_file(), place
        assert place in addresses
    names = {title for _, title, _ in entries}
    assert {"smicnb.codec.format.reader.SmicReader", "smicnb.codec.format.reader.SmicReader.latents"} <= names
    reader = (site / "reference/smicnb/codec/format/reader.html").read_text(encoding="utf-8")
    assert 'id="SmicReader.latents"' in reader
    assert 'href="../../../../index.html"' in reader
    assert "A .smic file opened for reading" in reader  # and no link to a module of that name
    assert (site / "report/index.html").is_file()


def test_a_link_to_nothing_is_an_error(repository, load_tool, tmp_path):
    tool = pytest.importorskip("mistune") and load_tool("write_site")
    page = tmp_path / "page.md"
    site = tool.Site(tmp_path, tmp_path)
    for link in ("missing.md", "../outside.md"):
        page.write_text(f"# A page\n\n[there]({link})\n")
        with pytest.raises(SmicnbError, match=r"'page\.md' links"):
            site._page(page.relative_to(tmp_path).with_suffix(".html"), page)
    (tmp_path / "other.md").write_text("# Other\n")
    page.write_text("# A page\n\n[there](other.md#other), [out](https://example.org/)\n")
    site._page(page.relative_to(tmp_path).with_suffix(".html"), page)
    told = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'href="other.html#other"' in told
    assert 'href="https://example.org/"' in told


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        driver.set_script_timeout(120)
        yield driver


def test_search_leads_to_guides_and_to_the_reference(browser, site):
    browser.get((site / "index.html").as_uri())
    box = browser.find_element("id", "find")
    for typed, wanted in (("add encoder", "docs/guides/encoder.html"), ("SmicReader", "format/reader.html#SmicReader")):
        box.clear()
        box.send_keys(typed)
        found = [link.get_attribute("href") for link in browser.find_elements("css selector", "#results a")]
        assert any(wanted in address for address in found[:5]), found[:5]
        assert browser.find_element("id", "count").text.startswith(f"{len(found)} found")
    box.clear()
    box.send_keys("zyzzyva")
    assert browser.find_element("id", "count").text == "0 found"


@pytest.mark.parametrize("size", [(1280, 900), (390, 800)])
def test_pages_are_readable_by_all_and_fetch_nothing(browser, site, axe, size):
    resize(browser, *size, scheme="dark" if size[0] < 600 else "light")
    requests(browser)
    for place in PAGES:
        browser.get((site / place).as_uri())
        assert len(browser.find_elements("tag name", "h1")) == 1, place
        browser.execute_script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        found = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in violations(browser, axe)]
        assert found == [], place
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), place
    assert [url for url in requests(browser) if not url.startswith(("file:", "data:"))] == []
    assert [entry["message"] for entry in browser.get_log("browser")] == []
