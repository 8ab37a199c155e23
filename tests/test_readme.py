"""The README: short, with an example that runs, and no number that a table does not have."""

import re
import subprocess
import sys

import pandas as pd
import pytest

MOST_LINES, MOST_LETTERS, MOST_WORDS = 120, 110, 700
NUMBER = r"([−\d.]+)"
MADE_FOR_SEARCH = "best made for search, without our prior"


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def told(readme):
    """The numbers behind a phrase, in which N stands for one, as printed."""
    text = " ".join(readme.split())

    def find(phrase):
        found = re.search(re.escape(phrase).replace("N", NUMBER), text)
        assert found, phrase
        return [number.replace("−", "-").rstrip(".") for number in found.groups()]

    return find


@pytest.fixture(scope="module")
def table(repository):
    return lambda name: pd.read_csv(repository / "figures" / f"{name}.csv")


def test_it_is_read_in_three_minutes(readme):
    lines = readme.splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > MOST_LETTERS and "](" not in line] == []
    prose = re.sub(r"```.*?```|!\[.*?\]\(.*?\)|(?<=\])\([^)]*\)", "", readme, flags=re.DOTALL)
    assert len(prose.split()) <= MOST_WORDS


def test_its_example_runs_and_compares_at_about_equal_bits(readme):
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (paper, bits, cosine), (ours, bits_of_ours, cosine_of_ours) = re.findall(
        r"(\w+): (\d+) bits an image, cosine ([\d.]+)\n", done.stdout
    )
    assert (paper, ours) == ("SMICCodec", "AxesCodec")
    assert abs(int(bits) - int(bits_of_ours)) < 0.05 * int(bits)
    assert float(cosine_of_ours) > float(cosine) > 0.5


def test_its_links_lead_to_files(readme, repository):
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]*)\)", readme)]
    assert len(links) > 15
    assert [link for link in links if not (repository / link).is_file()] == []


def test_its_picture_and_first_numbers_are_the_tables(told, table, repository):
    face = (repository / "figures/face/bits_find.json").read_text(encoding="utf-8")
    assert told("kept in some N bits") == re.findall(r"themselves: (\d+) bits on average", face)
    assert str(table("face/bits_find")["bits"][0]) == told("A photograph, its N bits")[0]
    atoms, cosine = told("say that N atoms keep a held-out embedded image's latent at a cosine of N. A second")
    table1 = table("03_reconstruction/table1").astype(str).set_index("n_a")
    assert table1.loc[atoms, "latent cosine, held-out"].startswith(f"{cosine} ")


def test_its_picture_shows_what_is_found(load_tool, table):
    face = load_tool("draw_face")
    photographs, latents = face.whole()
    pd.testing.assert_frame_equal(face.searched(photographs.items, face.coded(latents)), table("face/bits_find"))


def test_its_findings_on_the_paper_are_the_tables(told, table):
    gains = table("bsds500/05_rate_model/table3_gain").set_index(["row", "column"]).loc[("medium", "n = inf")]
    corrected, printed, in_files = told("describes gains N times over single-item coding at the settings of *medium*, "
        "not the printed N; files of held-out BSDS500 gain N over")  # fmt: skip
    assert (f"{gains['corrected']:.1f}", str(gains["as published"])) == (corrected, printed)
    assert in_files == f"{gains['file (entropy), heldout']:.1f}"
    models = table("bsds500/06_rsf_convex_hull/table2").set_index("model")["latent cosine, held-out"]
    (cosine,) = told("bits published there, at a latent cosine of N, without dictionary")
    assert cosine == f"{float(models['medium'].split()[0]):.2f}"
    floors = table("kodak/07_sota_comparison/sota_floors").set_index("shown")["image_cosine"].round(2)
    names = ["CLIP-intra [21]", "SMIC, entropy coded", "gallery index"]
    phrase = (
        "an image cosine of N by the encoder that was coded and SMIC N, where the number of a gallery's photograph "
    )
    assert [float(number) for number in told(phrase + "keeps N;")] == [floors[name] for name in names]
    atoms = table("bsds500/03_reconstruction/atoms_against_baselines")
    held = atoms[(atoms["split"] == "heldout") & (atoms["metric"] == "latent_cosine")]
    pca = held[held["against"] == "pca"].set_index("n_atoms")
    behind, ahead = (pca[pca["verdict"] == f"learned {side}"] for side in ("behind", "ahead"))
    first, most, *few = told("as many vectors from N atoms on, ahead by less than N at N and N, and ahead of random")
    assert int(first) == behind.index.min()
    assert behind.index.tolist() == pca.index[pca.index >= int(first)].tolist()
    assert [int(size) for size in few] == ahead.index.tolist()
    assert ahead["mean"].max() < float(most)
    assert set(held[held["against"] == "exemplars"]["verdict"]) == {"learned ahead"}


def test_its_findings_beyond_the_paper_are_the_tables(told, table):
    rows = {of: table(f"{of}/10_beyond_the_paper/beyond_checks").set_index("against") for of in ("bsds500", "kodak")}
    for phrase, of, against in (
        ("given our prior take N, N and N times our bits", "bsds500", "best of all rivals, payload"),
        ("the paper's code at its best N, N and N; these", "bsds500", "paper's code at its best, payload"),
        ("the best rival takes N and N times, both undecided, and N (", "kodak", "best of all rivals, payload"),
    ):
        times = rows[of].loc[against].sort_values("latent_cosine")["times"]
        assert told(phrase) == [f"{one:.2f}" for one in times], phrase
    for phrase, of in (
        ("at latent cosines of N, N and N, scalars", "bsds500"), ("was not, at N, N and N the best rival", "kodak"),
    ):  # fmt: skip
        fidelities = rows[of].loc["best of all rivals, payload"]["latent_cosine"].sort_values()
        assert told(phrase) == [f"{one:.2f}" for one in fidelities], phrase
    matched = table("bsds500/11_retrieval/retrieval_matched").set_index(["size", "against"]).loc["payload"]
    best, made = (matched.loc[name].set_index("bits") for name in ("best of all rivals", MADE_FOR_SEARCH))
    phrase = "ours finds N at 128 bits, the best rival, scalars on a KLT, N [N, N] less, undecided; at 64 bits"
    told_of = [float(number) for number in told(f"{phrase} N [N, N] less.")]
    assert told_of[:4] == best.loc[128, ["ours", "difference", "low", "high"]].astype(float).round(3).tolist()
    assert told_of[4:] == best.loc[64, ["difference", "low", "high"]].astype(float).round(3).tolist()
    assert best.loc[[64, 128], "verdict"].tolist() == ["ours ahead", "undecided"]
    assert set(best.loc[[64, 128], "strongest"]) <= {"KLT", "KLT, dead zone"}
    assert made.loc[384, "strongest"] == "TurboQuant"
    times = made.loc[384, ["times", "times_low", "times_high"]].astype(float).round(2).tolist()
    assert [float(number) for number in told("TurboQuant, finds at 384 bits takes N [N, N] times ours")] == times


def test_what_it_calls_undecided_is_undecided(told, table, repository):
    taco = table("kodak/08_taco_ablations/taco_verdicts").query("worse == 'without-adapter' and metric == 'lpips'")
    assert set(taco["verdict"]) == {"not decidable at this size"}
    assert [f"{gap:.3f}" for gap in taco["gap"]] == told("with and without text, LPIPS differs by N, within")
    twin = table("kodak/09_sic_ablations/sic_bd_rates").set_index(["codec", "metric"])
    twin = twin.loc[("SIC one-sample (seed 0)", "psnr")]
    assert told("SIC takes N times its twin's bits; earlier") == [f"{1 + twin['mean'] / 100:.1f}"]
    of_equal_steps = re.search(r"SIC took (18 % \[7, 28\]) more bits", (repository / "README.md").read_text())[1]
    objections = " ".join((repository / "docs/reproduction.yaml").read_text(encoding="utf-8").split())
    assert f"in the table before commit 07474e6: {of_equal_steps[:4]} more bits" in objections
