import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smicnb.base.errors import SmicnbError
from smicnb.base.files import sha256_file
from smicnb.repro import figures
from smicnb.repro.checkout import hide_path
from smicnb.repro.session import Session

ENDS = {"fig": (".png", ".pdf", ".csv", ".json"), "table": (".csv", ".md", ".tex", ".json")}


@pytest.fixture
def data():
    return pd.DataFrame({"n": [2, 4], "cosine": [0.123456789, np.nan], "verdict": ["ahead", "a|b"]})


@pytest.fixture
def session(tmp_path):
    return Session("03_reconstruction", {"seed": 1}, tmp_path / "out", tmp_path / "manifest.json")


def draw(height=1.0):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    axes.bar([0], [height])
    plt.close(figure)
    return figure


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_figure_comes_with_pdf_data_and_origin(session, data):
    session.note_inputs(collection="abc")
    session.save_figure(draw(), "fig", data, "What it shows.")
    assert sorted(path.name for path in session.out.iterdir()) == ["fig.csv", "fig.json", "fig.pdf", "fig.png"]
    sidecar = json.loads((session.out / "fig.json").read_text())
    assert sidecar["parameters"] == {"seed": 1}
    assert sidecar["made_from"] == {"collection": "abc"}
    assert set(sidecar["files"]) == {"fig.png", "fig.csv"}
    assert "+" not in sidecar["versions"]["torch"]
    assert Image.open(session.out / "fig.png").text == {
        "Description": "What it shows.",
        "Notebook": "03_reconstruction",
        "Parameters": '{"seed": 1}',
    }
    assert json.loads((session.out.parent / "manifest.json").read_text()) == [f"fig{end}" for end in ENDS["fig"]]


def test_repeating_a_result_changes_no_byte(session, data):
    for _ in range(2):
        session.save_figure(draw(), "fig", data, "caption")
        session.save_table(data, "table", "caption")
        before = bytes_of(session.out)
    session.save_figure(draw(), "fig", data, "caption")
    assert bytes_of(session.out) == before


def test_a_reading_is_printed_and_kept_with_its_origin(session, capsys):
    session.save_reading(["PCA is ahead by 0.1234.", "No floor is."], "reading")
    assert capsys.readouterr().out == "PCA is ahead by 0.1234.\n\nNo floor is.\n"
    text, sidecar = session.out / "reading.md", json.loads((session.out / "reading.json").read_text())
    assert text.read_text() == "- PCA is ahead by 0.1234.\n- No floor is.\n"
    assert (sidecar["notebook"], sidecar["files"]) == (session.notebook, {"reading.md": sha256_file(text)})
    session.save_reading(["PCA is ahead by 0.1235.", "No floor is."], "reading")
    assert "0.1234" in text.read_text()  # a rounding of another processor
    session.save_reading(["PCA is behind by 0.1234.", "No floor is."], "reading")
    assert "behind" in text.read_text()


def test_rounding_of_another_processor_changes_no_byte_but_a_result_does(session, data):
    session.save_figure(draw(), "fig", data, "caption")
    before = bytes_of(session.out)
    session.save_figure(draw(1.0 + 1e-9), "fig", data.assign(cosine=data["cosine"] * (1 + 1e-6)), "caption")
    assert bytes_of(session.out) == before
    session.save_figure(draw(0.5), "fig", data.assign(cosine=data["cosine"] * 1.01), "caption")
    after = bytes_of(session.out)
    assert [name for name in before if before[name] == after[name]] == []


def test_a_picture_of_other_parameters_says_so_even_where_it_looks_the_same(session, data, tmp_path):
    session.save_figure(draw(), "fig", data, "λ = 0.5, error 0.0124")
    before = bytes_of(session.out)
    session.save_figure(draw(), "fig", data, "λ = 0.5, error 0.0125")  # the last digit of what was measured
    for name in ("fig.png", "fig.pdf"):
        assert bytes_of(session.out)[name] == before[name]
    other = Session("03_reconstruction", {"seed": 2, "collection": f"folder:{tmp_path}"}, session.out, None)
    other.save_figure(draw(), "fig", data, "λ = 0.5, error 0.0124")
    for name in ("fig.png", "fig.pdf"):
        assert bytes_of(session.out)[name] != before[name]
    text = Image.open(session.out / "fig.png").text
    assert json.loads(text["Parameters"]) == {"seed": 2, "collection": "folder:PATH"}
    assert text["Description"] == "λ = 0.5, error 0.0124"
    for caption in ("λ = 0.5, found nothing", "λ = 0.4, found nothing"):
        session.save_figure(draw(), "fig", data, caption)
        assert Image.open(session.out / "fig.png").text["Description"] == caption


def test_a_picture_without_its_origin_is_written_again(session, data):
    session.save_figure(draw(), "fig", data, "caption")
    whole = (session.out / "fig.png").read_bytes()
    with Image.open(session.out / "fig.png") as picture:
        picture.save(session.out / "fig.png")
    assert Image.open(session.out / "fig.png").text == {}
    session.save_figure(draw(), "fig", data, "caption")
    assert (session.out / "fig.png").read_bytes() == whole


SAVE = """
import sys
from pathlib import Path
import pandas as pd
import matplotlib.pyplot as plt
from smicnb.repro.session import Session
run = Session("03_reconstruction", {"seed": 1, "n_atoms": [2, 4]}, Path(sys.argv[1]), None)
figure, axes = plt.subplots()
axes.plot([1, 2, 3], marker="o", label="λ ≫ Ψ × ∞")
axes.scatter(range(50), range(50), rasterized=True)
axes.set_title("$n_a$ of ẑ")
axes.legend()
run.save_figure(figure, "fig", pd.DataFrame({"a": [1.5]}), "λ of Eq. 7")
run.save_table(pd.DataFrame({"a_b": [1.5], "c": ["λ & μ"]}), "table", "λ")
"""


def test_two_processes_write_equal_bytes(tmp_path):
    """Also PDF, which by default holds a date, and names fonts by hashes that a process may draw by lot."""
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": f"{seed}000000", "TZ": f"UTC{seed}"}
        subprocess.run([sys.executable, "-c", SAVE, str(tmp_path / seed)], env=environment, check=True, timeout=120)
    first, second = (bytes_of(tmp_path / seed) for seed in ("1", "2"))
    assert set(first) == {f"{name}{end}" for name, ends in ENDS.items() for end in ends}
    assert first == second
    assert b"CreationDate" not in first["fig.pdf"]
    assert b"Matplotlib v" not in first["fig.pdf"] + first["fig.png"]


def test_latex_and_markdown_show_rounded_numbers_and_empty_cells(session, data):
    session.save_table(data, "table", "50 % of it.")
    text = (session.out / "table.tex").read_text()
    assert "$2$ & $0.1235$ & ahead" in text
    assert "$4$ & -- & a\\textbar{}b" in text
    assert "\\caption{50 \\% of it.}" in text
    sidecar = json.loads((session.out / "table.json").read_text())
    assert set(sidecar["files"]) == {"table.csv", "table.md", "table.tex"}
    assert (session.out / "table.md").read_text().splitlines() == [
        "50 % of it.", "", "| n | cosine | verdict |", "|---|---|---|", "| 2 | 0.1235 | ahead |", "| 4 | – | a\\|b |",
    ]  # fmt: skip


def test_published_parameters_hold_no_path(tmp_path):
    assert hide_path(f"bsds500:{tmp_path}") == "bsds500:PATH"
    assert hide_path("open_clip:ViT-L-14/openai") == "open_clip:ViT-L-14/openai"
    assert hide_path("stable-unclip:auto?steps=2") == "stable-unclip:auto?steps=2"
    assert hide_path(f"stable-unclip:{tmp_path}?steps=2") == "stable-unclip:PATH?steps=2"
    assert hide_path("embedded") == "embedded"
    assert hide_path([1, f"file:{tmp_path}"]) == [1, "file:PATH"]


def test_a_parameter_must_be_plain_json(tmp_path):
    with pytest.raises(TypeError):
        Session("x", {"path": tmp_path}, tmp_path, None)


def test_tables_of_bsds500_come_from_this_run_or_the_committed_file(session, data):
    assert list(session.take_measured("bsds500", "atoms_against_baselines", data).columns) != list(data.columns)
    here = Session("x", {"collection": "bsds500:PATH"}, session.out, None)
    assert here.take_measured("bsds500", "atoms_against_baselines", data) is data


def test_a_table_measured_on_another_data_set_is_its_own_there_and_the_committed_one_elsewhere(session):
    data = pd.DataFrame({"x": [1]})
    there = Session("08", {"seed": 1, "collection": "kodak:somewhere"}, session.out, None)
    assert there.take_measured("kodak", "points", data) is data
    with pytest.raises(SmicnbError, match=r"'points.csv' of nowhere is absent.*run make nowhere"):
        session.take_measured("nowhere", "points", data)


@pytest.mark.parametrize(
    ("collection", "kept_in", "folder", "elsewhere"),
    [
        ("kodak:somewhere", "kodak", "figures/kodak/08_taco_ablations", False),
        ("kodak:somewhere", "embedded", "figures/08_taco_ablations", True),
        ("embedded", "embedded", "figures/08_taco_ablations", False),
        ("embedded", "kodak", "figures/kodak/08_taco_ablations", True),
        ("folder:mine", "bsds500", "figures/bsds500/08_taco_ablations", True),
        ("folder:mine", None, "", False),
    ],
)
def test_a_figure_of_one_data_set_says_which_folder_keeps_it(
    tmp_path, capsys, data, collection, kept_in, folder, elsewhere
):
    session = Session("08_taco_ablations", {"seed": 1, "collection": collection}, tmp_path, None)
    session.save_table(data, "a", "caption", kept_in)
    assert figures.keeper_of(tmp_path / "a.json") == folder
    assert capsys.readouterr().out == (f"a is committed in {folder}\n" if elsewhere else "")


def test_what_follows_from_a_stored_table_does_not_move_by_rounding(session):
    table = pd.DataFrame({"source": ["none", "a, b"], "value": [1 / 3, 1e-9 / 7], "count": [1, 2]})
    first = session.store_table(table, "t")
    assert first["value"].tolist() == [0.333333, 1.42857e-10]
    assert first["source"].tolist() == ["none", "a, b"]
    pd.testing.assert_frame_equal(session.store_table(table.assign(value=table["value"] * 1.0001), "t"), first)
    assert session.store_table(table.assign(value=0.5), "t")["value"].tolist() == [0.5, 0.5]


CELLS = (
    "%matplotlib inline\nimport pandas as pd, matplotlib.pyplot as plt\nfrom pathlib import Path\n"
    "from smicnb.repro.session import Session\nrun = Session('03_reconstruction', {{'seed': 1}}, Path({out!r}), None)",
    "for name in ('first', 'second'):\n    run.save_figure(plt.subplots()[0], name, pd.DataFrame({{'n': [1]}}), 'It')",
    "kept = plt.subplots()",
)


def test_a_notebook_shows_each_saved_figure_once_and_by_its_name(tmp_path):
    from nbclient import NotebookClient
    from nbformat import v4 as new

    cells = [new.new_code_cell(cell.format(out=str(tmp_path))) for cell in CELLS]
    client = NotebookClient(new.new_notebook(cells=cells), kernel_name="python3", timeout=120)
    book = client.execute(env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")})
    pictures = [
        [figures.shown_name(output.metadata) for output in cell.outputs if "image/png" in output.get("data", {})]
        for cell in book.cells
    ]
    assert pictures == [[], ["first", "second"], [""]]


@pytest.mark.parametrize("metadata", [{}, {"smicnb": None}, {"smicnb": {"figure": 3}}, {"smicnb": "figure"}])
def test_an_output_of_another_kind_has_no_name(metadata):
    assert figures.shown_name(metadata) == ""


def test_rows_that_are_measured_later_join_those_that_are_there(tmp_path):
    path, names = tmp_path / "gains.csv", ["dataset", "model"]
    for hashes, number, mean in (({"model 1": "x"}, 1, 0.5), ({"model 0": "y"}, 0, 0.1), ({"model 0": "z"}, 0, 0.2)):
        rows = pd.DataFrame({"dataset": ["01", "b"], "model": str(number), "mean": mean})
        kept, made_from = figures.read_kept(path, names, {"a": "1"} | hashes)
        figures.write_table(path, figures.add_rows(rows, kept, names), "Said.", {"made_from": made_from})
    found, made_from = figures.read_kept(path, names, {})
    assert found.to_dict("list") == {
        "dataset": ["01", "b"] * 2, "model": ["0", "0", "1", "1"], "mean": [0.2, 0.2, 0.5, 0.5]
    }  # fmt: skip
    assert made_from == {"a": "1", "model 0": "z", "model 1": "x"}
    with pytest.raises(SmicnbError, match="was made from another a; needed: a table of this a, or none"):
        figures.read_kept(path, names, {"a": "2"})
