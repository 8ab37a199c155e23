"""`smicnb verify` as a reader types it, in a checkout of its own: the primer at a small size, each thing changed."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from checkouts import smicnb

from smicnb.base.errors import SmicnbError
from smicnb.repro.runs import verify

NAME = "00_transform_coding_primer"
RECIPE = "figures: figures\nnotebooks:\n  00_transform_coding_primer: {largest_side: 128, qualities: [20, 90]}\n"
MADE = 4  # tables and figures of the notebook


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    """A checkout whose recipe `quick` has run: its figures stand for those that are committed."""
    folder = tmp_path_factory.mktemp("verify")
    for name in ("notebooks", "recipes"):
        (folder / name).mkdir()
    shutil.copy(repository / "notebooks" / f"{NAME}.ipynb", folder / "notebooks")
    for name in ("requirements.lock", "requirements-torch.lock", ".gitignore"):
        shutil.copy(repository / name, folder / name)
    (folder / "recipes" / "quick.yaml").write_text(RECIPE)
    done = smicnb(folder, "run", "--recipe", "quick")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def agreed(checkout):
    done = smicnb(checkout, "verify", "--recipe", "quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [f"all {MADE} tables agree"]
    return checkout / ".smicnb" / "verify" / "figures" / "quick"


@pytest.fixture
def copy(checkout, agreed, tmp_path, monkeypatch):
    """(the recipe's folder of committed figures, to be changed, and that of what was made)."""
    monkeypatch.chdir(tmp_path)
    for name in ("notebooks", "recipes"):
        (tmp_path / name).mkdir()
    for name in (".gitignore", "recipes/quick.yaml"):
        shutil.copy(checkout / name, tmp_path / name)
    shutil.copytree(checkout / "figures", tmp_path / "figures")
    return tmp_path / "figures", agreed


def change(path, row, column, value):
    table = pd.read_csv(path, dtype=str)
    table.loc[row, column] = value
    table.to_csv(path, index=False)


def test_everything_that_moved_is_named_and_the_status_is_one(checkout, agreed):
    """A number, a word, a row and a file at once, by a run of its own."""
    committed = checkout / "figures" / NAME
    kept = {path.name: path.read_bytes() for path in committed.iterdir()}
    change(committed / "fig1_2_rate_distortion.csv", 1, "psnr", "31.5")
    change(committed / "fig1_1_samples.csv", 0, "picture", "another")
    table = pd.read_csv(committed / "fig1_2_pipeline.csv", dtype=str)
    table.iloc[:-1].to_csv(committed / "fig1_2_pipeline.csv", index=False)
    (committed / "transform_coding_rates.csv").unlink()
    (committed / "of_old.png").write_bytes(b"")
    done = smicnb(checkout, "verify", "--recipe", "quick", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert not told["agrees"]
    assert told["tables"] == MADE - 1
    assert [(row["file"], row["column"], row["moved"]) for row in told["moved"]] == [
        (f"figures/{NAME}/fig1_1_samples.csv", "picture", 1),
        (f"figures/{NAME}/fig1_2_pipeline.csv", "", 1),
        (f"figures/{NAME}/fig1_2_rate_distortion.csv", "psnr", 1),
    ]
    assert told["missing"] == [f"figures/{NAME}/transform_coding_rates.csv"]
    assert told["extra"] == [f"figures/{NAME}/of_old.png"]
    assert json.loads((checkout / ".smicnb/verify/records/quick.json").read_text()) == told
    changed = {path.name for path in committed.iterdir() if path.read_bytes() != kept.get(path.name)}
    assert len(changed) == 4  # verify itself writes nothing there
    (committed / "of_old.png").unlink()
    for name, data in kept.items():
        (committed / name).write_bytes(data)


def test_a_number_that_moved_is_told_to_a_person(copy, capsys):
    from smicnb.cli.runs import print_report

    change(copy[0] / NAME / "fig1_2_rate_distortion.csv", 1, "psnr", "31.5")
    before = pd.read_csv(copy[1] / NAME / "fig1_2_rate_distortion.csv")["psnr"][1]
    report = verify.compare(*copy, {NAME}, whole=True)
    assert not report.agrees
    print_report(report)
    said = " ".join(capsys.readouterr().out.split())
    row = (
        f"figures/{NAME}/fig1_2_rate_distortion.csv psnr 1 of 8 31.5 → {before} {abs(31.5 - before):.3g} 0.1% or 1e-08"
    )
    assert row in said
    assert said.endswith(f"1 of {MADE} tables moved; 0 files missing, 0 extra")


def test_what_is_within_the_tolerance_has_not_moved(copy):
    table = copy[0] / NAME / "fig1_2_rate_distortion.csv"
    value = pd.read_csv(table)["psnr"][1]
    change(table, 1, "psnr", f"{value * 1.0005:.6g}")
    assert verify.compare(*copy, {NAME}, whole=True).agrees
    change(table, 1, "psnr", f"{value * 1.002:.6g}")
    assert not verify.compare(*copy, {NAME}, whole=True).agrees


@pytest.mark.parametrize("suffix", verify.COMMITTED)
def test_a_removed_file_of_any_kind_is_missing(copy, suffix):
    name = ("fig1_2_pipeline" if suffix == ".png" else "transform_coding_rates") + suffix
    (copy[0] / NAME / name).unlink()
    report = verify.compare(*copy, {NAME}, whole=True)
    assert (list(report.moved), report.missing, report.extra) == ([], [f"figures/{NAME}/{name}"], [])


def test_files_of_other_notebooks_are_extra_only_to_a_whole_recipe(copy):
    for folder in ("09_gone", "bsds500/09", "tool"):
        (copy[0] / folder).mkdir(parents=True)
        notebook = {"tool": {}}.get(folder, {"notebook": Path(folder).name})
        (copy[0] / folder / "table9.json").write_text(json.dumps(notebook))
    (copy[0] / "table9.csv").write_text("a\n1\n")  # as all figures lay once
    assert verify.compare(*copy, {NAME}, whole=False).agrees
    found = verify.compare(*copy, {NAME}, whole=True)
    assert found.extra == ["figures/09_gone/table9.json", "figures/table9.csv"], "none of another recipe or of a tool"
    shutil.copy(copy[0] / NAME / "fig1_2_pipeline.json", copy[0] / NAME / "old.json")
    assert verify.compare(*copy, {NAME}, whole=False).extra == [f"figures/{NAME}/old.json"]


def test_what_another_folder_keeps_is_compared_there(copy, agreed, tmp_path):
    """A table that this run redraws of another data set: its one copy has to say the same, and be there."""
    made = shutil.copytree(agreed, tmp_path / "made")
    home, table = copy[0] / "kodak" / NAME, "fig1_1_samples.csv"
    home.mkdir(parents=True)
    for path in (copy[0] / NAME).glob("fig1_1_samples.*"):
        path.rename(home / path.name)
    sidecar = made / NAME / "fig1_1_samples.json"
    origin = json.loads(sidecar.read_text()) | {"kept_in": f"figures/kodak/{NAME}"}
    sidecar.write_text(json.dumps(origin))
    assert verify.compare(copy[0], made, {NAME}, whole=True).agrees
    shutil.copy(home / table, copy[0] / NAME)
    change(home / table, 0, "picture", "another")
    found = verify.compare(copy[0], made, {NAME}, whole=True)
    assert [(file, one.column) for file, one in found.moved] == [(f"figures/kodak/{NAME}/{table}", "picture")]
    assert (found.tables, found.missing, found.extra) == (MADE, [], [f"figures/{NAME}/{table}"])
    (home / table).unlink()
    assert verify.compare(copy[0], made, {NAME}, whole=True).missing == [f"figures/kodak/{NAME}/{table}"]
    own = shutil.copytree(agreed, tmp_path / ".smicnb" / "figures" / "quick")  # not committed: it keeps everything
    assert verify.compare(own, made, {NAME}, whole=True).agrees


def test_what_is_never_committed_is_not_missing(copy, tmp_path):
    """Pictures that show photographs of BSDS500, by .gitignore; and PDFs."""
    gone = {*copy[0].glob("*/*.pdf"), *copy[0].glob("*/fig1_1_samples.*")}
    assert len(gone) == 6
    for path in gone:
        path.unlink()
    with (tmp_path / ".gitignore").open("a") as file:
        file.write("figures/**/fig1_1*\n")
    assert verify.compare(*copy, {NAME}, whole=True).agrees


def test_a_damaged_sidecar_is_one_line(copy):
    (copy[0] / NAME / "fig1_1_samples.json").write_text("{")
    with pytest.raises(SmicnbError, match=r"cannot read the sidecar 'fig1_1_samples\.json'"):
        verify.compare(*copy, {NAME}, whole=True)


def test_settings_of_one_s_own_are_refused(checkout):
    done = smicnb(checkout, "verify", "--recipe", "quick", "--set", "seed=2")
    assert done.returncode == 2
    assert "found --set seed; needed: the recipe's own parameters" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_notebook_that_fails_is_no_verification(checkout, agreed):
    """And it says why; the next verification begins with it."""
    recipe = checkout / "recipes" / "broken.yaml"
    recipe.write_text(RECIPE.replace("largest_side: 128", "photograph: 'coffe/coffee.png#full'"))
    done = smicnb(checkout, "verify", "--recipe", "broken")
    assert done.returncode == 2
    assert "did you mean 'coffee/coffee.png#full'" in done.stderr
    assert done.stdout == ""
    assert not (checkout / ".smicnb/verify/records/broken.json").exists()
