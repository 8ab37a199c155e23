"""Rules of the house that no room can check alone."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Folder -> what lies in it, in the only order in which it may import one another: from the left.
ORDER = {
    "": "base semantics codec learned compare drawing studies repro explore cli",
    "semantics": "selection devices weights photographs encoders metrics generators hub_models cost spaces",
    "codec": "format published rate coders file_names describe photographs search",
    "learned": "networks files any_codec authors training",
    "compare": "verdicts latents images",
    "studies": "committed sentences readings learned_plots reconstruction primer linearity separation rate_model "
    "frontier state_of_the_art taco synonyms sic beyond retrieval",
    "repro": "differences checkout imports parameters figures runs session paper_map report",
}
# Study -> other studies whose parts it uses.
NEIGHBOURS = {
    "linearity": {"reconstruction"},
    "separation": {"reconstruction"},
    "frontier": {"reconstruction", "rate_model"},
    "state_of_the_art": {"rate_model"},
    "beyond": {"reconstruction"},
    "retrieval": {"beyond"},
}
SHARED = {"committed", "sentences", "readings", "learned_plots"}  # by studies
MOST_WORDS, MOST_IN_CAPTION = 90, 40  # of a paragraph of a notebook, of a figure's or table's caption
MOST_NAMES, MOST_LINES = 10, 450  # in a folder (studies/ has one for each study), in a module


def _imports(source: str) -> list[str]:
    """Dotted names that a module imports: "smicnb.base.files", or with what it takes of it behind."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module ("codec.rate") imports against the order of a folder that both lie in."""
    wrong = []
    for name in _imports(source):
        if not name.startswith("smicnb."):
            continue
        ours, other = module.split("."), name.split(".")[1:]
        shared = next(
            (k for k, (a, b) in enumerate(zip(ours, other, strict=False)) if a != b), min(len(ours), len(other))
        )
        folder = ".".join(ours[:shared])
        order = ORDER.get(folder, "").split()
        if shared < len(other) and order and other[shared] in order and ours[shared] in order:
            upward = order.index(other[shared]) > order.index(ours[shared])
            stranger = folder == "studies" and other[1] not in SHARED | NEIGHBOURS.get(ours[1], set())
            if upward or stranger:
                wrong.append(name)
    return wrong


def _modules(repository):
    package = repository / "smicnb"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[-1] != "__init__":
            yield ".".join(parts), path


def test_rooms_import_only_in_their_order(repository):
    for module, path in _modules(repository):
        assert wrong_imports(module, path.read_text(encoding="utf-8")) == [], path


def _names(folder):
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {
        "__init__"
    }


def test_every_name_of_an_ordered_folder_has_its_place(repository):
    for folder, order in ORDER.items():
        assert _names(repository / "smicnb" / Path(*folder.split("."))) == set(order.split()), folder


def test_folders_and_modules_stay_small(repository):
    for folder in {path.parent for path in (repository / "smicnb").rglob("__init__.py")}:
        assert len(_names(folder)) <= MOST_NAMES or folder.name == "studies", folder
    for _, path in _modules(repository):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path


def test_the_tree_of_the_architecture_is_that_of_the_package(repository, load_tool):
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert load_tool("write_tree").written(page) == page, "say make map"
    for path in re.findall(r"^\| [^|]+ \| (.*) \|$", page.partition("## The tree")[0], re.MULTILINE):
        for name in re.findall(r"`([a-z_/]+(?:\.[a-z]+)?)`", path):
            at = repository / "smicnb" / name
            assert "NOTEBOOK" in name or at.exists() or (repository / name).exists() or name == "make map", name


def test_no_module_imports_itself_by_way_of_others(repository):
    sources = {f"smicnb.{module}": path.read_text(encoding="utf-8") for module, path in _modules(repository)}
    reached = {
        module: {other for name in _imports(source) for other in (name, name.rpartition(".")[0]) if other in sources}
        for module, source in sources.items()
    }
    while ends := [module for module, others in reached.items() if not others]:
        for module in ends:
            del reached[module]
        for others in reached.values():
            others.difference_update(ends)
    assert reached == {}


def test_no_module_has_the_name_of_one_of_python_s(repository):
    for module, _ in _modules(repository):
        assert module.rpartition(".")[2] not in sys.stdlib_module_names, module


def test_the_import_rule_can_fail():
    wrong = "from smicnb.semantics.weights import store"
    assert wrong_imports("base.files", f"def f():\n    {wrong}") == ["smicnb.semantics.weights.store"]
    assert wrong_imports("semantics.selection", wrong) == ["smicnb.semantics.weights.store"]
    assert wrong_imports("semantics.spaces", wrong) == []
    assert wrong_imports("codec.rate", "from smicnb import repro") == ["smicnb.repro"]
    assert wrong_imports("studies.taco.measures", "from smicnb.studies.sic import plots") == [
        "smicnb.studies.sic.plots"
    ]
    assert wrong_imports("studies.linearity.plots", "import smicnb.studies.reconstruction.measures") == []


def test_compressai_is_a_peer_and_no_part(repository):
    """It has no wheel beyond Python 3.11 and holds numpy below 2."""
    for path in sorted((repository / "smicnb").rglob("*.py")):
        assert not [name for name in _imports(path.read_text(encoding="utf-8")) if name.startswith("compressai")], path
    for name in ("requirements.lock", "requirements-torch.lock", "environment.yml", "pyproject.toml"):
        assert "compressai" not in (repository / name).read_text(encoding="utf-8").lower(), name
    assert "compressai==" in (repository / "benchmarks" / "peers.txt").read_text(encoding="utf-8")


def test_environment_is_what_the_lock_makes(repository, load_tool):
    assert (repository / "environment.yml").read_text() == load_tool("lock").environment()


def test_lock_satisfies_every_requirement(repository):
    from packaging.requirements import Requirement

    text = "".join((repository / name).read_text() for name in ("requirements.lock", "requirements-torch.lock"))
    locked = dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["lab"], *extras["test"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[requirement.name]), line
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert [block for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


def test_every_dependency_has_its_reason(repository):
    text = (repository / "pyproject.toml").read_text()
    for line in re.findall(r'^    "[^"]+",.*$', text, flags=re.MULTILINE):
        if re.match(r'    "[a-z0-9-]+[><=]', line):
            assert re.search(r"#  ?\S.*\S", line), line


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_notebooks_are_thin_and_stripped(repository, name):
    book = json.loads((repository / "notebooks" / f"{name}.ipynb").read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in code]
    assert len(code) <= 15
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.While)]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_prose_of_notebooks_stands_in_short_paragraphs(repository, name):
    """Items of a list are counted alone."""
    cells = json.loads((repository / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    paragraphs = [part for text in prose for part in re.split(r"\n\s*\n|\n(?=[-*] )", text)]
    assert [part for part in paragraphs if len(part.split()) > MOST_WORDS] == []


def test_every_notebook_with_figures_ends_with_its_reading(repository):
    for path in (repository / "notebooks").glob("[0-9]*.ipynb"):
        *_, heading, code = json.loads(path.read_text())["cells"]
        assert "".join(heading["source"]) == "## Reading", path.name
        assert "run.save_reading(reading.tell" in "".join(code["source"]), path.name


def test_captions_of_figures_are_short(repository):
    captions = {
        path: json.loads(path.read_text(encoding="utf-8"))["caption"]
        for path in (repository / "figures").rglob("*.json")
    }
    assert len(captions) > 100
    assert [path for path, caption in captions.items() if len(caption.split()) > MOST_IN_CAPTION] == []


def test_every_notebook_that_makes_figures_is_in_the_default_recipe(repository):
    from smicnb.repro.runs import recipes

    recipe = recipes.recipe(repository / "recipes" / "embedded.yaml")
    notebooks = {path.stem for path in (repository / "notebooks").glob("*.ipynb")}
    assert set(recipe.notebooks) == notebooks - {"explore"}


def test_command_line_starts_without_the_heavy_libraries():
    heavy = ("torch", "matplotlib", "sklearn", "open_clip")
    code = f"import sys, smicnb.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_make_help_names_every_target(repository):
    done = subprocess.run(["make", "help"], cwd=repository, capture_output=True, text=True, check=True)
    phony = re.search(r"^\.PHONY: (.*)$", (repository / "Makefile").read_text(), flags=re.MULTILINE).group(1)
    assert [name for name in phony.split() if f"make {name}" not in done.stdout] == []


def test_numbers_of_the_results_are_those_of_the_tables(repository):
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    figures = repository / "figures"
    gains = pd.read_csv(figures / "bsds500" / "05_rate_model" / "table3_gain.csv").set_index(["row", "column"])
    corrected, printed = re.search(r"\*medium\* gains ([\d.]+) instead of ([\d.]+),", text).groups()
    cell = gains.loc[("medium", "n = inf")]
    assert (f"{cell['corrected']:.1f}", str(cell["as published"])) == (corrected, printed)
    assert gains.loc[("medium", "n*"), "corrected, P of heldout"] == float("inf")
    three = gains[gains["digits"] >= 3]
    assert three["deviation %"].abs().max() <= 0.4
    verdicts = pd.read_csv(figures / "bsds500" / "03_reconstruction" / "atoms_against_baselines.csv")
    held = verdicts[(verdicts["split"] == "heldout") & (verdicts["metric"] == "latent_cosine")]
    by = {name: rows.set_index("n_atoms")["verdict"] for name, rows in held.groupby("against")}
    assert set(by["exemplars"]) == {"learned ahead"}
    assert set(by["pca"][by["pca"].index <= 16]) <= {"learned ahead", "undecided"}
    assert set(by["pca"][by["pca"].index >= 32]) == {"learned behind"}


def test_findings_of_the_results_are_those_of_the_tables(repository):
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    wins = pd.read_csv(repository / "figures/bsds500/01_clip_linearity/linearity_wins.csv")
    kinds = ["verdict", "specific_verdict"]
    ahead = wins.groupby(["against", "operation"])[kinds].agg(lambda column: sum(column == "concept ahead"))
    pattern = (
        r"on (\d+) pairs .* into the picture at (\d) of 8 λ, and at (\d) both .* "
        r"\(against a random latent, at (\d) and (\d)\).* x₂ away at (\d) of 8, but at none more of x₂ than of x₁ "
        r"\(against a random latent, at (\d) and none\)"
    )
    pairs, *counts = map(int, re.search(pattern, text).groups())
    assert set(wins["pairs"]) == {pairs}
    assert ahead.loc["third", "add"].tolist() == counts[:2]
    assert ahead.loc["random", "add"].tolist() == counts[2:4]
    assert ahead.loc["third", "remove"].tolist() == [counts[4], 0]
    assert ahead.loc["random", "remove"].tolist() == [counts[5], 0]
    rows = pd.read_csv(repository / "figures/bsds500/04_semantic_separation/separation_verdicts.csv").set_index("by")
    interval = r"([\d.]+) \[([\d.]+), ([\d.]+)\]"
    said = re.search(rf"statements hold, by {interval} and {interval} in rank", text).groups()
    learned = rows.loc["learned atoms", ["difference", "low", "high"]].to_numpy().ravel()
    assert [f"{value:.2f}" for value in learned] == list(said)
    assert set(rows.loc["random subspace", "verdict"]) == {"undecided"}
    assert (rows.loc["learned atoms", "low"].to_numpy() > rows.loc["random subspace", "high"].to_numpy()).all()


def test_recall_in_the_results_and_in_search_is_that_of_the_tables(repository):
    import pandas as pd

    def interval(row, *columns):
        mean, low, high = (f"{row[column]:.3f}".replace("-", "−") for column in columns)
        return f"{mean} [{low}, {high}]"

    tables = {
        of: pd.read_csv(repository / "figures" / of / "11_retrieval/retrieval_matched.csv")
        .set_index(["size", "against", "bits"])
        .sort_index()
        for of in ("bsds500", "", "kodak")
    }
    text = " ".join((repository / "docs/results.md").read_text(encoding="utf-8").split())
    bsds = tables["bsds500"].loc["payload"]
    best, cosine = bsds.loc["best of all rivals"].loc[:256], bsds.loc["ours, best of three"].loc[:256]
    ours = [f"{value:.3f}" for value in best["ours"]]
    assert f"finds {ours[0]}, {ours[1]} and {ours[2]} of the ten at 64, 128 and 256 bits" in text
    less = [interval(row, "difference", "low", "high") for _, row in best.iterrows()]
    assert f"finds {less[0]}, {less[1]} and {less[2]} less, undecided at 128" in text
    assert best["verdict"].tolist() == ["ours ahead", "undecided", "ours ahead"]
    assert all("KLT" in name for name in best["strongest"])
    made = [
        tables["bsds500"].loc[(size, "best made for search, without our prior", 384)]
        for size in ("payload", "n = 1000")
    ]
    needs = [f"{r['times']:.2f} [{r['times_low']:.2f}, {r['times_high']:.2f}]" for r in made]
    assert f"which is {made[0]['strongest']}, needs {needs[0]} times our bits for what it finds at 384" in text
    assert f"{needs[1]} times with what 1000 images send once" in text
    gain = [f"{value:.3f}" for value in cosine["difference"]]
    assert f"adds {gain[0]}, {gain[1]} and {gain[2]} of recall" in text
    assert set(cosine["verdict"]) == {"ours ahead"}
    page = " ".join((repository / "docs/search.md").read_text(encoding="utf-8").split())
    assert f"it finds {min(gain)} to {max(gain)} more of the ten nearest at 64 to 256 bits" in page
    shared = tables["bsds500"].loc[("n = 1000", "ours, best of three")].loc[:256]
    others = [tables[of].loc[("payload", "ours, best of three")].loc[:256] for of in ("", "kodak")]
    assert {verdict for rows in (shared, *others) for verdict in rows["verdict"]} == {"undecided"}
    embedded = tables[""].loc[("payload", "best of all rivals")].loc[:256]
    ahead = embedded[embedded["verdict"] == "ours ahead"]
    assert ahead.index.tolist() == [64]
    assert f"at 64 bits alone, by {interval(ahead.loc[64], 'difference', 'low', 'high')}" in text
    kodak = tables["kodak"].loc[("payload", "best of all rivals")].loc[:256]
    assert set(kodak["verdict"]) == {"undecided"}


def test_ratios_of_the_results_are_those_of_the_tables(repository):
    """Of coders of latents: each phrase, the collection and the row whose three fidelities it tells."""
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())

    def told(phrase):
        return [f"{float(number):.2f}" for number in re.search(phrase, text).groups()]

    number = r"([\d.]+)(?: \[[^]]*\])?"
    ratios = {
        rf"our prior, takes {number}, {number} and {number} times our": ("bsds500", "best of all rivals, payload"),
        rf"RaBitQ and TurboQuant {number}, {number} and {number} times": (
            "bsds500", "best of OPQ, LSQ, RaBitQ, TurboQuant, payload"
        ),
        rf"coefficients refitted\) {number}, {number} and {number},": ("bsds500", "paper's code at its best, payload"),
        rf"its tuples {number}, {number} and {number}\. ": ("bsds500", "paper's tuples, payload"),
        rf"best of all rivals takes {number}, {number} and {number} times our bits": (
            "bsds500", "best of all rivals, n = 1000"
        ),
        rf"0\.63\), the best of all rivals takes {number} and {number} times our bits, both undecided, and {number};": (
            "kodak", "best of all rivals, payload"
        ),
        rf"of 1000 images {number}, {number} and {number}\.": ("kodak", "best of all rivals, n = 1000"),
    }  # fmt: skip
    for phrase, (folder, against) in ratios.items():
        rows = pd.read_csv(repository / f"figures/{folder}/10_beyond_the_paper/beyond_checks.csv").set_index("against")
        assert told(phrase) == [f"{times:.2f}" for times in rows.loc[against].sort_values("latent_cosine")["times"]]
    sizes = pd.read_csv(repository / "figures/bsds500/10_beyond_the_paper/beyond_sharing_sizes.csv")
    of = {n: rows.sort_values("latent_cosine") for n, rows in sizes.groupby("n")}
    shares = told(r"their mean take ([\d.]+), ([\d.]+) and ([\d.]+) times")
    assert shares == [f"{times:.2f}" for times in of[1000]["mean_times"]]
    large = told(r"come to ([\d.]+), ([\d.]+) and ([\d.]+) at 100 000")
    assert large == [f"{times:.2f}" for times in of[100_000]["axes_times"]]


def test_floors_of_the_results_are_those_of_the_table(repository):
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    rows = pd.read_csv(repository / "figures/kodak/07_sota_comparison/sota_floors.csv").set_index("shown")
    intra, beyond, smic = "CLIP-intra [21]", "SMIC, beyond the paper", "SMIC, entropy coded"
    aom = "AV1 (libaom), 1/16 or 1/32"
    index, grey, random, words = "gallery index", "grey frame", "random photograph", "3 words"
    number = r"([\d.]+)"
    own = (
        rf"a dimension keeps an image cosine of {number}, the coder beyond the paper {number} at .* SMIC {number}, and "
        rf"AV1 \(libaom\) on images .* codec of pixels within a tenth of that rate, {number}, where .* both sides "
        rf"hold, keeps {number}, three words in four bytes {number}, a grey frame {number} and a random photograph "
        rf"{number}:"
    )
    other = (
        rf"or pictures, SMIC keeps {number}, one bit a dimension {number}, that byte {number}, AV1 {number}, a grey "
        rf"frame {number} and a random photograph {number}, and no codec"
    )
    for cosine, phrase, names in (
        ("image_cosine", own, (intra, beyond, smic, aom, index, words, grey, random)),
        ("judge_cosine", other, (smic, intra, index, aom, grey, random)),
    ):
        told = [float(one) for one in re.search(phrase, text).groups()]
        assert told == [abs(round(rows.loc[name, cosine], 2)) for name in names]
    codecs = rows[~rows.index.isin([random, grey, index, "not coded"]) & ~rows.index.str.contains("word")]
    assert re.search(r"no codec of (\d+) is ahead of that byte", text)[1] == str(len(codecs))
    for cosine in ("image_cosine", "judge_cosine"):
        assert not codecs[f"{cosine}_ahead_of"].str.contains(index).any()
    assert not codecs["judge_cosine_ahead_of"].str.contains(grey).any()
    of_pixels = codecs.drop([intra, beyond, smic])
    near = of_pixels[(of_pixels["bits"] / rows.loc[smic, "bits"] - 1).abs() <= 0.1]
    assert set(near[["image_cosine", "judge_cosine"]].idxmax()) == {aom}
    assert not rows.loc[smic, ["image_cosine_ahead_of", "image_cosine_behind"]].str.contains(grey).any()
    assert (rows.loc[[index, words], "bits"] - rows.loc[grey, "bits"]).tolist() == [8, 32]
    pixels = pd.read_csv(repository / "figures/kodak/07_sota_comparison/sota_matched.csv").query("metric == 'psnr'")
    pixels = pixels[~pixels["against"].isin([beyond, intra])]
    said = re.search(
        r"of SMIC on Kodak, by ([\d.]+) to ([\d.]+) dB at ([\d.]+) to ([\d.]+) times its bits", text
    ).groups()
    gaps, times = -pixels["difference"], pixels["times"]
    assert list(said) == [f"{gaps.min():.1f}", f"{gaps.max():.1f}", f"{times.min():.2f}", f"{times.max():.1f}"]
    assert (len(pixels), set(pixels["verdict"])) == (9, {"SMIC behind"})


def test_no_code_on_held_out_photographs_is_ahead_of_the_byte_that_the_results_name(repository):
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    tables = (
        "03_reconstruction/table1_floors",
        "06_rsf_convex_hull/table2_floors",
        "10_beyond_the_paper/beyond_floors",
    )
    rows = pd.concat([pd.read_csv(repository / f"figures/bsds500/{name}.csv") for name in tables]).set_index("shown")
    floors = ["random photograph", "grey frame", "gallery index", "1 word", "3 words", "8 words", "not coded"]
    codes, byte = rows.drop(floors), rows.loc["gallery index"].iloc[0]
    said = re.search(
        r"any of the (\d+) dictionaries,.* of a byte there \(([\d.]+), and ([\d.]+) by Inception\)", text
    ).groups()
    assert list(said) == [str(len(codes)), f"{byte['image_cosine']:.2f}", f"{byte['judge_cosine']:.2f}"]
    for cosine in ("image_cosine", "judge_cosine"):
        assert not codes[f"{cosine}_ahead_of"].str.contains("gallery index").any()


def test_learned_atoms_and_the_prior_of_the_results_are_those_of_the_tables(repository):
    import pandas as pd

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    rows = pd.read_csv(repository / "figures/bsds500/03_reconstruction/atoms_against_baselines.csv")
    held = rows[rows["split"] == "heldout"].set_index(["against", "metric", "n_atoms"]).sort_index()
    pattern = (
        r"from n_a = (\d+) on, by ([\d.]+) at (\d+), not told apart at (\d+) and (\d+), and ahead at (\d+) and (\d+), "
        r"by less than ([\d.]+);"
    )
    first, most, last, *sizes, least = re.search(pattern, text).groups()
    latent = held.loc[("pca", "latent_cosine")]
    verdicts = latent.groupby("verdict").groups
    assert [*verdicts["undecided"], *verdicts["learned ahead"]] == list(map(int, sizes))
    assert (verdicts["learned behind"][0], verdicts["learned behind"][-1]) == (int(first), int(last))
    assert f"{-latent.loc[int(last), 'mean']:.2f}" == most
    assert latent.loc[verdicts["learned ahead"], "mean"].max() < float(least)
    assert "learned ahead" not in set(held.loc[("pca", "image_cosine"), "verdict"])
    assert set(held.loc["exemplars", "verdict"]) == {"learned ahead"}
    number = r"(\d[\d ]*\d|never)"
    pattern = (
        rf"without it after {number}, {number} and {number} images, and on Kodak {number}, after {number} "
        rf"and after {number} "
    )
    said = [float(one.replace(" ", "").replace("never", "inf")) for one in re.search(pattern, text).groups()]
    prior = [
        pd.read_csv(repository / f"figures/{of}/10_beyond_the_paper/beyond_prior.csv") for of in ("bsds500", "kodak")
    ]
    prior = pd.concat(
        [table.query("against == 'best rival without it'").sort_values("latent_cosine") for table in prior]
    )
    assert said == prior["n for 318568 bytes of file"].tolist()


def test_learned_codecs_of_the_results_are_beside_classical_ones_as_in_the_tables(repository):
    import pandas as pd

    from smicnb.compare.images import curves

    text = " ".join((repository / "docs" / "results.md").read_text().split())
    folder, number = repository / "figures/kodak", r"([\d.]+)"
    taco = pd.read_csv(folder / "08_taco_ablations/taco_beside.csv").query("codec == 'TACO full (seed 0)'")
    ratios = taco[taco["metric"] == "lpips"].pivot(index="rival", columns="setting", values="ratio")
    for phrase, rival in (
        (rf"its LPIPS is {number} and {number} of VVenC's", "VVenC intra"),
        (rf"4 dB behind, {number} and {number} of AVIF's", "AVIF"),
        (rf"2\.8 dB behind, and {number} and {number} of JPEG's", "JPEG"),
    ):
        assert list(re.search(phrase, text).groups()) == [
            f"{ratio:.2f}" for ratio in ratios.loc[rival, ["low", "high"]]
        ]
    others = taco[
        taco["metric"].isin(["lpips_vgg", "dists"]) & taco["rival"].isin(["VVenC intra", "AVIF", "x265 intra"])
    ]
    assert ((others["low"] < 0) & (others["high"] > 0)).all()

    rates = pd.read_csv(folder / "09_sic_ablations/sic_rates.csv")

    def beside(codec, rival, metric):
        """Mean difference of each setting at the rival's equal rate, where all images have one."""
        mine, theirs = (dict(list(rates[rates["codec"] == name].groupby("image"))) for name in (codec, rival))
        gaps = [
            own.set_index("setting")[metric] - curves.interpolate(theirs[image], metric, own["bpp"])["value"].to_numpy()
            for image, own in mine.items()
        ]
        return pd.concat(gaps, axis=1).mean(axis=1, skipna=False).dropna()

    sic, twin = "SIC one-sample (seed 0)", "SIC twin (seed 0)"
    for phrase, rival, metric, digits in (
        (rf"on Kodak it is {number} to {number} dB below AVIF in PSNR", "AVIF", "psnr", 1),
        (rf"below AVIF in PSNR, and {number} to {number} behind in LPIPS", "AVIF", "lpips", 2),
        (rf"it is {number} to {number} dB below JPEG, and", "JPEG", "psnr", 1),
        (rf"below JPEG, and {number} to {number} better in LPIPS", "JPEG", "lpips", 2),
    ):
        gaps = beside(sic, rival, metric).abs()
        assert list(re.search(phrase, text).groups()) == [f"{gap:.{digits}f}" for gap in (gaps.min(), gaps.max())]
    for rival, phrase in (
        ("AVIF", rf"is on Kodak {number} and {number} dB below AVIF"),
        ("JPEG", rf"{number} and {number} dB above JPEG"),
    ):
        gaps = beside(twin, rival, "psnr").abs()
        assert list(re.search(phrase, text).groups()) == [f"{gap:.1f}" for gap in gaps[["medium", "high"]]]
    interval = rf"{number} \[{number}, {number}\]"
    pattern = (
        rf"on Kodak {interval} times the twin's bits at equal PSNR, {interval} times at equal DISTS "
        rf"and {interval} times, not told"
    )
    table = pd.read_csv(folder / "09_sic_ablations/sic_bd_rates.csv").set_index(["codec", "metric"]).loc[sic]
    times = 1 + table.loc[["psnr", "dists", "lpips"], ["mean", "low", "high"]] / 100
    said = [float(one) for one in re.search(pattern, text).groups()]
    assert said == [*times.loc["psnr"].round(1), *times.loc["dists"].round(1), *times.loc["lpips"].round(2)]


def test_the_page_on_encoders_shows_the_table_of_generators(repository):
    table = (repository / "figures" / "generators" / "generators_against_retrieval.md").read_text()
    assert table[table.index("| data set") :].strip() in (repository / "docs" / "encoders.md").read_text()


def test_a_version_is_cited_and_its_changes_are_told(repository):
    import smicnb

    assert f"\nversion: {smicnb.__version__}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")
    first = re.search(r"^## (.+)$", (repository / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert first[1] == smicnb.__version__
