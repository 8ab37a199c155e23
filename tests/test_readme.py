"""The README: short, with an example that runs, and no number that a table does not have."""

import math
import re
import subprocess
import sys

import pandas as pd
import pytest
from claims import Page

from smicnb.studies.beyond.measures import SINGLE_BITS

MOST_LINES, MOST_LETTERS, MOST_WORDS = 120, 110, 700
MADE_FOR_SEARCH = "best made for search, without our prior"
NO_RESULTS = (r"intervals are 95 %", r"a Python from 3\.11 to 3\.14", r"others, 2024\)", r"\*SIC\* \(2025\)")


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


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


def test_its_picture_shows_what_is_found(load_tool, table):
    face = load_tool("draw_face")
    photographs, latents = face.whole()
    pd.testing.assert_frame_equal(face.searched(photographs.items, face.coded(latents)), table("face/bits_find"))


def first_numbers(page, table, repository):
    face = (repository / "figures/face/bits_find.json").read_text(encoding="utf-8")
    page.says("kept in some {} bits", *re.findall(r"themselves: (\d+) bits on average", face))
    page.says("A photograph, its {} bits, and", table("face/bits_find")["bits"][0])
    atoms = table("03_reconstruction/table1").set_index("n_a")["latent cosine, held-out"]
    size = next(size for size in atoms.index if f"say that {size} atoms" in page.text)
    page.says(
        "say that {} atoms keep a held-out embedded image's latent at a cosine of {}", size, atoms[size].split()[0]
    )


def of_rates(page, table, repository):
    gains = table("bsds500/05_rate_model/table3_gain").set_index(["row", "column"]).loc[("medium", "n = inf")]
    numbers = gains["corrected"], gains["as published"]
    page.says("gains {:.1f} times over single-item coding at the settings of *medium*, not the printed {};", *numbers)
    cosine = table("bsds500/06_rsf_convex_hull/table2").set_index("model").loc["medium", "latent cosine, held-out"]
    numbers = gains["file (entropy), heldout"], SINGLE_BITS, float(cosine.split()[0])
    page.says("gain {:.1f} over the {} bits published there, at a latent cosine of {:.2f}, without", *numbers)


def of_floors(page, table, repository):
    floors = table("kodak/07_sota_comparison/sota_floors").set_index("shown")
    cosines = floors.loc[["CLIP-intra [21]", "SMIC, entropy coded", "gallery index"], "image_cosine"]
    phrase = "keeps an image cosine of {:.2f} by the encoder that was coded and SMIC {:.2f}, where the number of a "
    page.says(phrase + "gallery's photograph keeps {:.2f}; by Inception", *cosines)
    no_codecs = ["random photograph", "grey frame", "gallery index", "not coded"]
    codecs = floors.drop(no_codecs)[lambda rows: ~rows.index.str.contains("word")]
    page.says("by Inception no codec of {} is ahead of that byte", len(codecs))
    assert not codecs["judge_cosine_ahead_of"].str.contains("gallery index").any()


def of_atoms(page, table, repository):
    rows = table("bsds500/03_reconstruction/atoms_against_baselines").query("split == 'heldout'")
    rows = rows[rows["metric"] == "latent_cosine"]
    pca = rows[rows["against"] == "pca"].set_index("n_atoms")
    behind, ahead = (pca[pca["verdict"] == f"learned {side}"] for side in ("behind", "ahead"))
    page.says("In latent cosine on {} held-out images of BSDS500", pca["images"].iloc[0])
    debiased = rows[rows["against"] == "pca, debiased codes"].set_index("n_atoms")
    from_there = (each.index[each["verdict"] == "learned behind"].min() for each in (pca, debiased))
    page.says("as many vectors from {} atoms on (debiased, from {}), ahead by", *from_there)
    most = math.ceil(100 * ahead["mean"].max()) / 100
    page.says("ahead by less than {:.2f} at {} and {}, and ahead of", most, *ahead.index)
    assert behind.index.tolist() == pca.index[pca.index >= behind.index.min()].tolist()
    assert set(rows[rows["against"] == "exemplars"]["verdict"]) == {"learned ahead"}


def of_learned_codecs(page, table, repository):
    taco = table("kodak/08_taco_ablations/taco_verdicts").query("worse == 'without-adapter' and metric == 'lpips'")
    assert set(taco["verdict"]) == {"not decidable at this size"}
    page.says("TACO's LPIPS without text differs by {:.3f}, within", *taco["gap"])
    equal = table("sic_equal_terms/bd_rates").query("codec == 'sic' and metric == 'psnr'").set_index("seed")
    whole, seeds = equal.loc["all"], ["no", "one", "two", "three"][len(equal) - 1]
    assert whole["verdict"] == "more bits"
    page.says("SIC takes {:.0f} % [{:.0f}, {:.0f}] more bits than a twin", *whole[["mean", "low", "high"]])
    page.says(f"rate, equal terms, {seeds} seeds; TACO's LPIPS")


def of_coders(page, table, repository):
    rows = {of: table(f"{of}/10_beyond_the_paper/beyond_checks").set_index("against") for of in ("bsds500", "kodak")}

    def three(of, against, column):
        return rows[of].loc[against].sort_values("latent_cosine")[column]

    best = "best of all rivals, payload"
    page.says("at latent cosines of {:.2f}, {:.2f} and {:.2f}, scalars", *three("bsds500", best, "latent_cosine"))
    times = three("bsds500", best, "times")
    page.says("given our prior take {:.2f}, {:.2f} and {:.2f} times our bits", *times)
    assert "in an eighth fewer bits" in page.text
    assert round(1 / (1 - 1 / times.mean())) == 8
    at_best = three("bsds500", "paper's code at its best, payload", "times")
    page.says("the paper's code at its best {:.2f}, {:.2f} and {:.2f}; these", *at_best)
    page.says("was not, at {:.2f}, {:.2f} and {:.2f} the best rival", *three("kodak", best, "latent_cosine"))
    page.says("takes {:.2f} and {:.2f} times, both undecided, and {:.2f} (", *three("kodak", best, "times"))


def of_search(page, table, repository):
    matched = table("bsds500/11_retrieval/retrieval_matched").set_index(["size", "against"]).loc["payload"]
    best, made = (matched.loc[name].set_index("bits") for name in ("best of all rivals", MADE_FOR_SEARCH))
    sidecar = (repository / "figures/bsds500/11_retrieval/retrieval_rates.json").read_text(encoding="utf-8")
    page.says("neighbours on {} photographs of BSDS500", *re.findall(r"searched in (\d+) of other scenes", sidecar))
    columns = ["difference", "low", "high"]
    page.says("ours finds {:.3f} at {} bits, the best rival", best.loc[128, "ours"], 128)
    page.says("on a KLT, {:.3f} [{:.3f}, {:.3f}] less, undecided", *best.loc[128, columns])
    page.says("undecided; at {} bits {:.3f} [{:.3f}, {:.3f}] less.", 64, *best.loc[64, columns])
    assert best.loc[[64, 128], "verdict"].tolist() == ["ours ahead", "undecided"]
    assert set(best.loc[[64, 128], "strongest"]) <= {"KLT", "KLT, dead zone"}
    assert made.loc[384, "strongest"] == "TurboQuant"
    times = made.loc[384, ["times", "times_low", "times_high"]]
    page.says("TurboQuant, finds at {} bits takes {:.2f} [{:.2f}, {:.2f}] times ours", 384, *times)


PARTS = (first_numbers, of_rates, of_floors, of_atoms, of_learned_codecs, of_coders, of_search)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_its_numbers_are_those_of_the_tables(part, readme, table, repository):
    part(Page(readme, *NO_RESULTS), table, repository)


def test_no_other_number_stands_in_it(readme, table, repository):
    page = Page(readme, *NO_RESULTS)
    for part in PARTS:
        part(page, table, repository)
    assert page.unproved() == []


def test_what_the_two_commands_take_is_what_a_rehearsal_took(readme, repository):
    rows = pd.read_csv(repository / "docs/rehearsed.csv").set_index("command")
    assert (set(rows["status"]), set(rows["tree"])) == ({0}, {"clean"})
    size, disk = re.search(r"# (\S+) GB to download\n.*, (\d+) GB of disk\n", readme).groups()
    assert size == f"{rows['clone_mb'].max() / 1000:.1f}"
    assert disk == f"{rows.loc['make reproduce', 'disk_mb'] / 1000:.0f}"
    told = re.findall(r"^(make \w+) .*: (\d+) minutes on (\d+) cores", readme, flags=re.MULTILINE)
    known = {command: (command, str(row.minutes), str(row.cores)) for command, row in rows.iterrows()}
    assert told == [known.get(line[0], line) for line in told]  # a rehearsal may be of one command
    assert len(told) == 2
