"""The gallery is what notebooks and figures/ are now, and is small."""

from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path("docs/notebooks")


@pytest.fixture(scope="module")
def gallery(load_tool):
    return load_tool("write_gallery")


def test_every_page_is_what_is_committed(repository, gallery):
    """Its cells, its tables, and the hashes of its pictures' figures."""
    pages = gallery.written(repository)
    assert {path.name for path in (repository / FOLDER).glob("*.md")} == {path.name for path in pages}
    for path, text in pages.items():
        assert (repository / path).read_text(encoding="utf-8") == text, (
            f"{path} is not what figures/ holds: make gallery"
        )


def test_a_table_that_is_committed_anew_makes_its_page_stale(repository, gallery, tmp_path, monkeypatch):
    for name in ("notebooks", "figures"):
        (tmp_path / name).mkdir()
    notebook = "02_dictionary_atoms"
    (tmp_path / "notebooks" / f"{notebook}.ipynb").symlink_to(repository / "notebooks" / f"{notebook}.ipynb")
    (tmp_path / "figures" / notebook).mkdir()
    for path in (repository / "figures" / notebook).iterdir():
        (tmp_path / "figures" / notebook / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(gallery, "root", lambda: tmp_path)
    book, table = tmp_path / "notebooks" / f"{notebook}.ipynb", tmp_path / "figures" / notebook / "atoms_by_word.md"
    before = gallery.page(book)
    table.write_text(table.read_text(encoding="utf-8").replace("| 1 | ", "| 1 | 9", 1), encoding="utf-8")
    assert gallery.page(book) != before
    picture = tmp_path / "figures" / notebook / "fig07_atoms.png"
    changed = gallery.page(book)
    Image.new("RGB", (9, 9)).save(picture)
    assert gallery.page(book) != changed


def test_every_notebook_with_figures_shows_them_and_all_of_it_is_small(repository, gallery):
    shown = {path.name for path in (repository / FOLDER / "pictures").iterdir()}
    text = "".join(path.read_text(encoding="utf-8") for path in (repository / FOLDER).glob("*.md"))
    assert shown == set(gallery.re.findall(r"\(pictures/(\S+?)\)", text))
    for path in (repository / "figures").glob("[0-9]*/*.png"):
        assert f"{path.parent.name}-{path.stem}.webp" in shown, path
    for path in (repository / FOLDER / "pictures").iterdir():
        with Image.open(path) as picture:
            assert picture.format == "WEBP", path
            assert 500 <= picture.width <= gallery.WIDTH, path
    assert sum(path.stat().st_size for path in (repository / FOLDER).rglob("*") if path.is_file()) < 5_000_000
