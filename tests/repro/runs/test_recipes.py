import pytest

from smicnb.base.errors import SmicnbError
from smicnb.repro import parameters
from smicnb.repro.runs import jobs, recipes

NOTEBOOK = "03_reconstruction"


def of(settings, **recipe):
    return recipes.parameters(recipes.Recipe("test", "figures", **recipe), [NOTEBOOK], settings)[NOTEBOOK]


def test_defaults_recipe_and_settings_in_that_order():
    assert of({})["penalty"] == 0.5
    assert of({}, parameters={"penalty": 0.7})["penalty"] == 0.7
    assert of({}, parameters={"penalty": 0.7}, notebooks={NOTEBOOK: {"penalty": 0.8}})["penalty"] == 0.8
    assert of({"penalty": 0.9, f"{NOTEBOOK}.penalty": 1.1})["penalty"] == 1.1
    assert of({"penalty": 0.9}, notebooks={NOTEBOOK: {"penalty": 0.8}})["penalty"] == 0.9


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("penalty=1e-3", ("penalty", 0.001)),
        ("n_atoms=[2, 4]", ("n_atoms", [2, 4])),
        ("collection=folder:a=b", ("collection", "folder:a=b")),
        ("seed=7", ("seed", 7)),
        ("penalty=.5", ("penalty", 0.5)),
        ("seed=010", ("seed", 10)),
        ("foreign=[animals, food]", ("foreign", ["animals", "food"])),
        ("collection=folder:a: b #c", ("collection", "folder:a: b #c")),
    ],
)
def test_assignment(text, pair):
    assert recipes.assignment(text) == pair


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"penality": 1.0}, r"unknown parameter 'penality'.*did you mean 'penalty'"),
        ({"penalty": "high"}, "penalty got 'high' of type str; needed: a number from 0.001 to 20, such as 0.5"),
        ({"seed": 1.5}, "seed got 1.5 of type float; needed: a whole number from 0 to"),
        ({"seed": True}, "seed got True"),
        ({"n_atoms": [2, "x"]}, "n_atoms got 'x'"),
        ({"n_atoms": 4}, "n_atoms got 4"),
        ({"n_atoms": []}, "a list that increases"),
        ({"n_atoms": [4, 2]}, "a list that increases"),
        ({"n_atoms": [2, 2]}, "a list that increases"),
        ({"penalty": -1.0}, "a number from 0.001 to 20"),
        ({"penalty": float("nan")}, "a number from 0.001 to 20"),
        ({"seed": -1}, "a whole number from 0 to 2147483648, such as 1"),
        ({"draws": 0}, "a whole number from 1 to"),
        ({"collection": "folder:a\nb"}, "printable text"),
        ({"02_dictionary_atoms.seed": 1}, "unknown notebook of this run"),
        ({f"{NOTEBOOK}.sed": 1}, "did you mean 'seed'"),
    ],
)
def test_wrong_settings_are_refused_on_one_line(settings, message):
    with pytest.raises(SmicnbError, match=message) as caught:
        of(settings)
    assert "\n" not in str(caught.value)


def test_an_int_may_stand_for_a_float():
    value = of({"penalty": 1})["penalty"]
    assert value == 1.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("figuers: x", "unknown key of a.yaml 'figuers'.*did you mean 'figures'"),
        ("notebooks: {02_dictionary_atom: }", "did you mean '02_dictionary_atoms'"),
        ("[1, 2]", "holds no mapping"),
        ("a: [", "is no YAML"),
        ("parameters: {seed: 2024-13-45}", "is no YAML .*month must be in 1..12"),
        ("parameters: {encodr: x}\nnotebooks: {03_reconstruction: }", "parameter in recipe a 'encodr'"),
        ("notebooks: {03_reconstruction: {seeds: 1}}", "parameter of 03_reconstruction 'seeds'.*did you mean 'seed'"),
        ("parameters: [seed]\nnotebooks: {03_reconstruction: }", "'parameters' of a.yaml holds no mapping"),
        ("notebooks: [03_reconstruction]", "'notebooks' of a.yaml holds no mapping; needed: NAME:"),
        ("notebooks: {03_reconstruction: [seed]}", "'03_reconstruction' of a.yaml holds no mapping"),
        ("figures: [x]", r"'figures' of a.yaml is \['x'\]"),
        ("seed: 1\nseed: 2", "is no YAML .*the key 'seed' stands twice"),
        (
            "parameters: {penalty: '0.5'}\nnotebooks: {03_reconstruction: }",
            "penalty got '0.5' of type str; needed",
        ),
        ("parameters: {penalty: 30}\nnotebooks: {03_reconstruction: }", "penalty got 30; needed: a number from 0.001"),
        ("notebooks: {03_reconstruction: {n_atoms: 2..4}}", "n_atoms got '2..4' of type str; needed: a list"),
        ("figures: ../elsewhere\nnotebooks: {03_reconstruction: }", "needed: a folder of the checkout"),
    ],
)
def test_wrong_recipes_are_refused_on_one_line(tmp_path, text, message):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(SmicnbError, match=message) as caught:
        jobs.jobs_of(recipes.recipe(path), [], {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 0.001), ("1E+1", 10.0), (".5e0", 0.5), ("1", 1.0), ("0.5", 0.5), ("+2.e0", 2.0)]
)
def test_numbers_of_yaml_are_numbers(tmp_path, text, value):
    """YAML 1.1, as PyYAML has it, takes 1e-3 for a text."""
    path = tmp_path / "a.yaml"
    path.write_text(f"notebooks:\n  03_reconstruction:\n    penalty: {text}\n  05_rate_model: {{penalties: [{text}]}}")
    recipe = recipes.recipe(path)
    values = recipes.parameters(recipe, list(recipe.notebooks), {})
    assert values[NOTEBOOK]["penalty"] == value
    assert values["05_rate_model"]["penalties"] == [value]
    assert isinstance(values[NOTEBOOK]["penalty"], float)


def test_a_number_with_a_zero_before_it_is_decimal_in_a_recipe_and_on_the_command_line(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("notebooks:\n  03_reconstruction: {seed: 010, penalty: .5}")
    there = recipes.recipe(path).notebooks[NOTEBOOK]
    assert there == dict(map(recipes.assignment, ["seed=010", "penalty=.5"])) == {"seed": 10, "penalty": 0.5}
    assert (of(there)["seed"], of(there)["penalty"]) == (10, 0.5)
    path.write_text("notebooks: {03_reconstruction: {seed: 1_0}}")
    with pytest.raises(SmicnbError, match="seed got '1_0' of type str"):
        of(recipes.recipe(path).notebooks[NOTEBOOK])


def test_words_of_a_recipe_stay_words(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("notebooks: {03_reconstruction: {segmenter: none, encoder: 1e-3x, collection: 'folder:1e-3'}}")
    assert recipes.recipe(path).notebooks[NOTEBOOK] == {
        "segmenter": "none", "encoder": "1e-3x", "collection": "folder:1e-3",
    }  # fmt: skip


def test_a_notebook_of_one_s_own_is_checked_by_its_cell(tmp_path, monkeypatch):
    import nbformat

    for folder in ("notebooks", "recipes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text("notebooks:\n  mine:\n")
    cell = nbformat.v4.new_code_cell(
        "depth = 3\nrate = 0.5\nwords = ['a', 'b']\nfast = True", metadata={"tags": ["parameters"]}
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "notebooks" / "mine.ipynb")
    monkeypatch.chdir(tmp_path)
    recipe = recipes.Recipe("test", "figures")
    given = recipes.parameters(recipe, ["mine"], {"depth": 4, "rate": 1, "words": ["c"], "fast": False})["mine"]
    assert given == {"depth": 4, "rate": 1.0, "words": ["c"], "fast": False}
    for settings, message in (
        ({"dept": 4}, "did you mean 'depth'"),
        ({"depth": 0.5}, "depth got 0.5 of type float; needed: a whole number, such as 3"),
        ({"fast": 1}, "fast got 1 of type int; needed: true or false, such as True"),
        ({"words": [1]}, "words got 1 of type int; needed: a list that increases, each printable text"),
    ):
        with pytest.raises(SmicnbError, match=message):
            recipes.parameters(recipe, ["mine"], settings)


def test_every_notebook_has_a_smoke_size_and_all_its_values_fit(repository):
    recipe = recipes.recipe(repository / "recipes" / "smoke.yaml")
    assert recipe.figures.startswith(".smicnb/")
    assert set(recipe.notebooks) == {path.stem for path in (repository / "notebooks").glob("*.ipynb")}
    assert set(recipes.parameters(recipe, list(recipe.notebooks), {})) == set(recipe.notebooks)


def test_unknown_recipe_and_notebook(tmp_path):
    with pytest.raises(SmicnbError, match=r"unknown recipe 'embeded'.*did you mean 'embedded'"):
        recipes.recipe(tmp_path / "embeded.yaml")
    with pytest.raises(SmicnbError, match="did you mean '03_reconstruction'"):
        recipes.notebook_path("03_reconstructions")


def test_parameters_cell_holds_plain_assignments(tmp_path):
    import nbformat

    def notebook(source, tags):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": tags})])
        path = tmp_path / "n.ipynb"
        nbformat.write(book, path)
        return path

    assert parameters.defaults(notebook("a = 1\nb = [0.5]", ["parameters"])) == {"a": 1, "b": [0.5]}
    with pytest.raises(SmicnbError, match="0 cells tagged 'parameters'"):
        parameters.defaults(notebook("a = 1", []))
    with pytest.raises(SmicnbError, match=r"line 1 of n\.ipynb's parameters is no assignment"):
        parameters.defaults(notebook("print(1)", ["parameters"]))


def test_relative_paths_in_names_lead_where_the_user_is_or_to_the_checkout(tmp_path, monkeypatch, repository):
    """Kernels work in the notebooks' folder, where the same words would lead elsewhere."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "weights.pt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recipes, "root", lambda: repository)
    here = tmp_path.resolve()
    assert of({"collection": "folder:photos"})["collection"] == f"folder:{here}/photos"
    asked = "open_clip:ViT-B-32/weights.pt?device=cuda"
    assert of({"encoder": asked})["encoder"] == f"open_clip:ViT-B-32/{here}/weights.pt?device=cuda"
    assert of({"generator": "stable-unclip:photos?steps=2"})["generator"] == f"stable-unclip:{here}/photos?steps=2"
    assert of({"collection": "folder:docs"})["collection"] == f"folder:{repository.resolve()}/docs"


@pytest.mark.parametrize("name", ["folder:nowhere", "stable-unclip:auto", "blip:owner/name?device=cpu", "retrieval"])
def test_names_without_a_path_stay(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipes.complete_path(name) == name


def test_a_folder_of_others_with_such_names_is_no_checkout(repository, tmp_path, monkeypatch):
    from smicnb.repro import checkout

    for name in ("cook/recipes", "cook/notebooks", "ours/recipes", "ours/notebooks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cook" / "recipes" / "soup.yaml").write_text("title: Soup\n")
    (tmp_path / "cook" / "pyproject.toml").write_text('name = "soup"\n')
    monkeypatch.chdir(tmp_path / "cook" / "notebooks")
    assert checkout.root() == repository
    monkeypatch.setattr(checkout.smicnb, "__file__", str(tmp_path / "site-packages" / "smicnb" / "__init__.py"))
    with pytest.raises(SmicnbError, match="found no notebooks/ and recipes/ of the project"):
        checkout.root()
    for mark, text in (("recipes/quick.yaml", "notebooks: {}\n"), ("pyproject.toml", '[project]\nname = "smicnb"\n')):
        (tmp_path / "ours" / mark).write_text(text)
        monkeypatch.chdir(tmp_path / "ours" / "notebooks")
        assert checkout.root() == tmp_path / "ours"
        (tmp_path / "ours" / mark).unlink()
