"""The report: what it says of each state, what it escapes, where it may be written, and how a browser finds it."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import report_checkout
from bs4 import BeautifulSoup
from chromium import chromium, requests, resize, violations

from smicnb.base.errors import SmicnbError
from smicnb.repro.report import pages as site
from smicnb.repro.report import tables
from smicnb.repro.runs import recipes, records


def written(checkout: Path, recipe: str = "small", out: Path | None = None) -> site.Written:
    """The report that `checkout` gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout)
        return site.write(recipes.recipe(checkout / "recipes" / f"{recipe}.yaml"), out)


def page(folder: Path, name: str = "index.html") -> BeautifulSoup:
    return BeautifulSoup((folder / name).read_text(encoding="utf-8"), "html.parser")


def text(node) -> str:
    return " ".join(node.get_text(" ").split())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return report_checkout.write(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def folder(checkout):
    return written(checkout).index.parent


@pytest.fixture(scope="module")
def real(repository, tmp_path_factory):
    """The report on the repository itself as on a new clone, in which no notebook was run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "read", lambda path: None)
        return written(repository, "embedded", tmp_path_factory.mktemp("real") / "report")


@pytest.mark.parametrize("name", report_checkout.STATES)
def test_a_card_says_state_figure_number_origin_and_links(folder, name):
    card = page(folder).find(id=f"{name}-{name}")
    number = list(report_checkout.STATES).index(name) + 1
    assert text(card.select_one(".chip")) == report_checkout.SAID[name]
    assert text(card.h4) == f"Fig. {number} {name}"
    links = {text(link).partition(" ")[0]: link["href"] for link in card.select(".links a")}
    ran = report_checkout.STATES[name] not in (None, "running")
    assert list(links) == ["CSV", "PDF", "PNG", "origin", *(["Notebook"] if ran else [])]
    assert card.img["alt"] == f"Caption of {name}: {report_checkout.HOSTILE}"
    origin = {text(term): text(term.find_next_sibling("dd")) for term in card.select("dt")}
    assert origin["n_atoms"] == "2, 32"
    if report_checkout.STATES[name]:
        assert (origin["commit"], origin["duration"]) == ("0123456+", "12 s for the whole notebook")


def test_failures_stand_first_with_error_and_cell(folder):
    found = page(folder)
    sections = [section["id"] for section in found.main.find_all("section", recursive=False)]
    assert sections == ["failed", "stale", "paper-1", "paper-2", "notebooks"]
    runs = {text(run.h3).split()[-1]: run for run in found.select("#failed .run")}
    assert list(runs) == ["01_failed", "02_dead", "03_timeout", "05_killed"]
    failed = runs["01_failed"]
    assert text(failed.select_one(".error")) == "ValueError: no <atoms>"
    assert "At code cell 2 of 3: 1 done, 1 failed, 1 pending." in text(failed)
    assert failed.pre.get_text() == "raise ValueError('no <atoms>')"
    cell = failed.select_one(".links a")["href"]
    assert cell == "notebooks/small/01_failed.html#cell-2"
    shown = page(folder, cell.partition("#")[0]).find(id="cell-2")
    assert "failed" in text(shown.select_one(".cell-head"))
    assert "ValueError: no <atoms>" in shown.select_one(".err").get_text()
    assert "An Exception was encountered" not in text(shown.parent)
    assert text(runs["05_killed"].select_one(".error")) == "Killed: the run was killed"
    assert "At code cell 2 of 3: 1 done, 1 dead, 1 pending." in text(runs["05_killed"])
    assert not (folder / "notebooks" / "small" / "05_killed.html").exists(), "an earlier run's is not shown"


def test_what_is_stale_says_why(folder):
    found = page(folder)
    assert text(found.select_one("#stale li")) == "04_stale : figures/04_stale/04_stale.csv changed"
    assert "figures/04_stale/04_stale.csv changed" in text(found.find(id="04_stale-04_stale").select_one(".reasons"))


def test_items_without_a_figure_stand_below_their_paper_with_their_reason(folder):
    found = page(folder)
    assert text(found.select_one("#paper-1 tr.item")) == "Fig. 20 a hull not yet Formulas are all it takes."
    assert text(found.select_one("#paper-2 tr.item")) == "Fig. 1 a diagram as published A diagram."


def test_published_numbers_stand_beside_ours(folder):
    found = page(folder, "published.html")
    head, body = (found.find(id="bsds500-00_done-table1").select(f"{part} tr") for part in ("thead", "tbody"))
    assert [text(cell) for cell in head[0].find_all(["td", "th"])] == ["", "CC", "ours alone"]
    assert [text(cell) for cell in head[1].find_all("th")] == ["row", "as published", "image cosine, held-out", "note"]
    assert [text(cell) for cell in body[0].find_all(["td", "th"])] == ["low", "0.78", "0.1235", "<b>bold</b>"]
    assert [text(cell) for cell in body[1].find_all(["td", "th"])] == ["high", "0.89", "–", "–"]
    assert [cell.get_text() for cell in found.select("td.published")][:2] == ["0.78", "0.89"]
    card = page(folder).find(id="bsds500-00_done-table1")
    assert {
        "Full table": "published.html#bsds500-00_done-table1",
        "LaTeX": "figures/bsds500/00_done/table1.tex",
    }.items() <= {link.contents[0]: link["href"] for link in card.select(".links a")}.items()
    assert text(card.select_one(".tag")) == "BSDS500"


def test_nothing_from_files_becomes_markup(folder):
    for path in folder.rglob("*.html"):
        found = page(folder, path.relative_to(folder))
        assert [script["src"] for script in found.find_all("script")] == (
            ["report.js"] if path.name == "index.html" else []
        )
        assert not found.find_all(["iframe", "object", "embed", "style"])
        assert not [name for tag in found.find_all(True) for name in tag.attrs if name.startswith(("on", "style"))]
        assert "https://" not in str([tag.attrs for tag in found.find_all(True) if tag.name != "meta"])
    assert "&lt;b&gt;bold" in (folder / "published.html").read_text()
    assert "<code>them</code>" in (folder / "index.html").read_text(), "the map's own marks are kept"


def test_an_executed_notebook_is_bounded_and_keeps_what_matters(folder):
    path = folder / "notebooks" / "small" / "00_done.html"
    found = page(folder, path.relative_to(folder))
    assert path.stat().st_size < 60_000
    said = text(found)
    kept = (
        "begin xxx",
        "xxx end",
        "50,010 characters are left out",
        "too much HTML",
        "picture of 10 bytes is left out",
    )
    assert [words for words in kept if words not in said] == []
    assert [words for words in ("VBox", "yyy", "margin", "fetch(") if words in said] == []
    assert [(img["alt"], img["width"]) for img in found.select("article img")] == [
        (f"Caption of 00_done: {report_checkout.HOSTILE}", "900")
    ]
    assert found.select_one(".rich .scroll[tabindex='0'] table td").get_text() == "1"
    assert len(found.find_all("h1")) == 1


def test_without_any_run_the_committed_figures_are_shown(checkout, tmp_path):
    shutil.copytree(checkout, tmp_path / "copy", ignore=shutil.ignore_patterns(".smicnb"))
    found = page(written(tmp_path / "copy").index.parent)
    assert {text(card.select_one(".chip")) for card in found.select("li.card")} == {"committed, not run here"}
    assert not found.select("#failed, #stale")


def test_another_recipe_shows_its_own_folder(checkout, tmp_path):
    stem = checkout / ".smicnb" / "figures" / "own" / "00_done"
    stem.mkdir(parents=True)
    (stem / "00_done.png").write_bytes(report_checkout.png())
    found = page(written(checkout, "own", tmp_path / "own").index.parent)
    cards = {card["id"].removeprefix("own-"): text(card.select_one(".chip")) for card in found.select("li.card")}
    assert cards == {
        **{f"{name}-{name}": "never run" for name in report_checkout.STATES},
        "00_done-table1": "never run",
        "00_done-00_done": "committed, not run here",
    }


def test_what_one_folder_keeps_for_all_is_shown_from_there(checkout, tmp_path):
    """In the report on another recipe, and as the caption of what a notebook shows and has no file of."""
    copy = shutil.copytree(checkout, tmp_path / "copy")
    keep(copy / "figures" / "00_done", "table1", copy / "figures" / "00_done")
    ids = {card["id"] for card in page(written(copy, "bsds500").index.parent).select("li.card")}
    assert {"00_done-table1", "bsds500-01_failed-01_failed"} <= ids
    assert "01_failed-01_failed" not in ids
    keep(copy / "figures" / "00_done", "00_done", copy / "figures" / "bsds500" / "00_done")
    folder = written(copy).index.parent
    shown = page(folder, "notebooks/small/00_done.html").select("article img")
    assert [img["alt"] for img in shown] == [f"Caption of 00_done: {report_checkout.HOSTILE}"]


def keep(folder: Path, name: str, home: Path) -> None:
    """Let `home` keep a figure or table of `folder`."""
    for path in folder.glob(f"{name}.*"):
        path.rename(home / path.name)
    sidecar = home / f"{name}.json"
    kept = {"kept_in": home.relative_to(home.parents[2 if "bsds500" in home.parts else 1]).as_posix()}
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | kept))


def test_damaged_records_sidecars_and_notebooks_leave_a_report(checkout, tmp_path):
    copy = shutil.copytree(checkout, tmp_path / "copy")
    for path in ("records/small/00_done.json", "runs/small/01_failed.ipynb"):
        (copy / ".smicnb" / path).write_text("{")
    (copy / "figures/02_dead/02_dead.json").write_text("[]")
    (copy / "figures/03_timeout/03_timeout.png").write_bytes(b"no picture")
    for path in (copy / "figures/04_stale").glob("04_stale.*"):
        path.unlink()
    found = page(written(copy).index.parent)
    assert text(found.find(id="00_done-00_done").select_one(".chip")) == "committed, not run here"
    assert not found.find(id="01_failed-01_failed").find("a", string=lambda string: string and "Notebook" in string)
    assert found.find(id="02_dead-02_dead").img["alt"] == "02_dead"
    assert "No picture" in text(found.find(id="03_timeout-03_timeout"))
    assert "figures/04_stale/04_stale.csv is absent" in text(found.find(id="04_stale-04_stale"))
    assert "its notebook has not written it" in text(found.find(id="04_stale-04_stale"))


def test_only_an_earlier_report_is_replaced_and_as_a_whole(checkout, tmp_path, monkeypatch):
    out = tmp_path / "site"
    written(checkout, out=out)
    (out / "tables").mkdir(exist_ok=True)
    (out / "tables" / "old.html").write_text("old")
    out.chmod(0o700)
    written(checkout, out=out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert not (out / "tables" / "old.html").exists()
    (tmp_path / f".site-{report_checkout.NOBODY}-abc").mkdir()  # of a report that was killed
    written(checkout, out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["site"], "nothing is left beside it"
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(SmicnbError, match="holds other files"):
        written(checkout, out=out)
    with pytest.raises(SmicnbError, match="is a file"):
        written(checkout, out=out / "thesis.txt")
    monkeypatch.setattr(site.cards, "collect", lambda *_: pytest.fail("the report was begun"))
    with pytest.raises(SmicnbError, match=r"thesis.txt' is no folder; needed: a folder to write to"):
        written(checkout, out=out / "thesis.txt" / "site")
    assert (out / "thesis.txt").read_text() == "mine"


def smicnb(checkout: Path, *words: str, kilobytes: str = "unlimited") -> subprocess.CompletedProcess:
    """`smicnb report` in `checkout`, where no file may grow beyond a size."""
    command = ["bash", "-c", f'ulimit -f {kilobytes} && exec "$@"', "-", sys.executable, "-m", "smicnb.cli.main"]
    command += ["report", *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(site.__file__).parents[3])}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=120)


def test_the_command_writes_it_and_names_a_near_miss(checkout, tmp_path):
    done = smicnb(checkout, "--recipe", "small", "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"report: {tmp_path / 'out' / 'index.html'} (0.")
    wrong = smicnb(checkout, "--recipe", "smal")
    assert wrong.returncode == 2
    assert "did you mean 'small'" in wrong.stderr
    assert wrong.stderr.count("\n") == 1


def test_a_report_that_cannot_be_made_leaves_the_old_one(checkout, tmp_path):
    out = tmp_path / "site"
    index = written(checkout, out=out).index
    before = index.read_bytes()
    full = smicnb(checkout, "--recipe", "small", "--out", str(out), kilobytes="8")  # like a full disk
    assert (full.returncode, full.stderr.count("\n")) == (2, 1), full.stderr
    assert index.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("target", ["https://example.org/", "/etc/hosts", "missing.html", "#nowhere", "../out.html"])
def test_a_link_that_leads_nowhere_or_out_is_an_error(tmp_path, target):
    (tmp_path / "site").mkdir()
    (tmp_path / "out.html").write_text("")
    (tmp_path / "site" / "index.html").write_text('<p id="here"><a href="#here">here</a> <a href="index.html#here">')
    site.check_links(tmp_path / "site")
    (tmp_path / "site" / "b.html").write_text(f'<a href="{target}">')
    with pytest.raises(SmicnbError, match=r"the page 'b\.html' leads to"):
        site.check_links(tmp_path / "site")


def test_a_site_of_pages_may_link_out_and_shows_nothing_from_there(tmp_path):
    (tmp_path / "a.html").write_text('<a href="https://example.org/">there</a>')
    site.check_links(tmp_path, outward=True)
    (tmp_path / "a.html").write_text('<img src="https://example.org/a.png">')
    with pytest.raises(SmicnbError, match=r"leads to 'https://example\.org/a\.png'"):
        site.check_links(tmp_path, outward=True)


def test_a_quantity_that_no_column_names_stands_beside_all(tmp_path):
    (tmp_path / "t.csv").write_text("row,column,as published,digits,Eq. 10-15\nlow,n*,5,1,5.123456\n")
    table = tables.read(tmp_path / "t.csv")
    assert [[column.label for column in columns] for _, columns in table.groups] == [
        ["row", "column"],
        ["as published", "digits", "Eq. 10-15"],
    ]
    assert table.rows == (("low", "n*", "5", "1", "5.123"),)
    (tmp_path / "t.csv").write_text("a,b\n1\n")
    with pytest.raises(ValueError, match="another length"):
        tables.read(tmp_path / "t.csv")


def test_the_report_on_the_repository_is_the_whole_map_and_light(real, repository):
    from smicnb.repro.paper_map import items as reproduction

    assert not (real.index.parent / "notebooks").exists()
    assert real.text < 3_000_000
    found = page(real.index.parent)
    cards, rows = {card["id"] for card in found.select("li.card")}, [text(row.th) for row in found.select("tr.item")]
    for group in reproduction.read(repository).groups:
        for row in group.rows:
            assert {file.replace("/", "-") for file in row.files} <= cards
            assert row.files or row.item in rows
    published = page(real.index.parent, "published.html")
    shown = {section["id"] for section in published.select("section.whole")}
    for name in ("03_reconstruction-table1", "06_rsf_convex_hull-table2", "05_rate_model-table3_gain"):
        assert {name, f"bsds500-{name}"} <= shown


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        driver.set_script_timeout(120)
        yield driver


def serious(browser, axe) -> list:
    """What axe calls serious or critical on the page that is open, everything unfolded."""
    browser.execute_script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in violations(browser, axe)
        if one["impact"] in ("serious", "critical")
    ]


def test_every_link_opens_and_nothing_is_fetched(browser, folder):
    resize(browser, 1280, 900)
    requests(browser)
    waiting, seen = [(folder / "index.html").as_uri()], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        browser.get(address)
        assert browser.title
        assert len(browser.find_elements("tag name", "h1")) == 1, address
        # All pictures, also those further down.
        broken = browser.execute_async_script(
            "const done = arguments[0], all = [...document.images]; all.forEach((one) => (one.loading = 'eager'));"
            "Promise.allSettled(all.map((one) => one.decode())).then(() => done(all.filter((one) => !one.naturalWidth)"
            ".map((one) => one.src)))"
        )
        assert broken == [], address
        links = browser.execute_script("return [...document.links].map((link) => link.href.split('#')[0])")
        pages = {link for link in links if link.endswith(".html")}
        waiting += sorted(pages - seen - set(waiting))
    assert len(seen) == 2 + sum(1 for _ in folder.glob("notebooks/*/*.html")) + sum(1 for _ in folder.glob("tables/*"))
    assert len(seen) > 6
    assert [url for url in requests(browser) if not url.startswith(("file:", "data:"))] == []
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_a_page_that_fetches_something_would_be_noticed(browser, tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><title>page</title><img src='http://127.0.0.1:9/picture.png'>")
    requests(browser)
    browser.get((tmp_path / "page.html").as_uri())
    assert "http://127.0.0.1:9/picture.png" in requests(browser)
    browser.get_log("browser")


def test_search_shows_what_is_meant_and_says_how_many(browser, folder):
    resize(browser, 1280, 900)
    browser.get((folder / "index.html").as_uri())
    count, box = browser.find_element("id", "count"), browser.find_element("id", "find")
    assert (count.get_attribute("role"), count.get_attribute("aria-live")) == ("status", "polite")

    def cards():
        return [card.get_attribute("id") for card in browser.find_elements("css selector", "li.card:not([hidden])")]

    everything = cards()
    assert count.text == f"{len(everything)} of {len(everything)} figures and tables"
    box.send_keys("Timed OUT")
    assert cards() == ["03_timeout-03_timeout"]
    assert count.text == f"1 of {len(everything)} figures and tables, 0 items without one"
    visible = [head.text for head in browser.find_elements("css selector", ".group h3") if head.is_displayed()]
    assert visible == ["Group 03_timeout"]
    box.clear()
    box.send_keys("diagram published")  # no phrase, but words of one item
    assert cards() == []
    assert count.text == f"0 of {len(everything)} figures and tables, 1 items without one"
    box.clear()
    box.send_keys(" ")
    assert cards() == everything


def test_the_keyboard_reaches_the_content_and_sees_where_it_is(browser, folder):
    from selenium.webdriver.common.keys import Keys

    resize(browser, 1280, 900)
    browser.get((folder / "index.html").as_uri())
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to content"
    assert skip.rect["y"] >= 0
    assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    skip.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "main"


def test_on_a_phone_nothing_is_wider_than_the_screen(browser, folder, real):
    resize(browser, 360, 740)
    for path in [*folder.rglob("*.html"), *real.index.parent.glob("*.html")]:
        browser.get(path.as_uri())
        browser.execute_script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        widths = browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
        assert widths == [360, 360], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, axe, folder, real, scheme):
    resize(browser, 1280, 900, scheme)
    notebooks = [folder / f"notebooks/small/{name}.html" for name in ("00_done", "01_failed")]
    for path in (folder / "index.html", *notebooks, real.index, *real.index.parent.glob("published.html")):
        browser.get(path.as_uri())
        assert serious(browser, axe) == [], path


def test_axe_would_find_what_is_wrong(browser, axe, folder):
    resize(browser, 1280, 900)
    browser.get((folder / "index.html").as_uri())
    browser.execute_script("document.querySelector('li.card img').removeAttribute('alt')")
    browser.execute_script("document.querySelector('.lede').style.color = '#ddd'")
    assert {name for name, _ in serious(browser, axe)} >= {"image-alt", "color-contrast"}


def test_on_paper_there_is_no_search_and_every_caption(browser, folder):
    browser.get((folder / "index.html").as_uri())
    printed = json.dumps(browser.execute_cdp_cmd("Page.printToPDF", {}))
    assert len(printed) > 10_000
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.find_element("css selector", "form.search").is_displayed()
    assert all(one.is_displayed() for one in browser.find_elements("css selector", ".origin p"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
