"""Every notebook has a model of its parameters, and its cells say the same as the model."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.repro import parameters
from smicnb.repro.parameters import MODELS, Frontier, Linearity, Primer, RateModel, Reconstruction
from smicnb.repro.runs import recipes

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def started(notebook: Path) -> tuple[type, dict[str, str]]:
    """(model, keyword -> variable) of the one `session.start(parameters.MODEL(…))` in a notebook."""
    sources = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    calls = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (start,) = [call for call in calls if ast.unparse(call.func) == "session.start"]
    (model,) = start.args
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in model.keywords}
    return getattr(parameters, model.func.attr), given


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_cell_model_and_start_of_a_notebook_say_the_same(notebook):
    model, cell = MODELS[notebook.stem], recipes.defaults(notebook)
    assert model().model_dump() == cell
    assert list(model.model_fields) == list(cell)  # the order that sidecars have
    assert model(**cell).model_dump() == cell  # defaults lie within the bounds
    assert {name: type(value) for name, value in model().model_dump().items()} == {k: type(v) for k, v in cell.items()}
    assert started(notebook) == (model, {name: name for name in cell})


def test_the_comparison_of_cell_and_model_can_fail(tmp_path):
    source = NOTEBOOKS[0].read_text()
    for old, new in (("largest_side = 512", "largest_side = 513"), ("seed=seed", "seed=shown_quality")):
        assert source.count(old) == 1
        copy = tmp_path / NOTEBOOKS[0].name
        copy.write_text(source.replace(old, new))
        with pytest.raises(AssertionError):
            test_cell_model_and_start_of_a_notebook_say_the_same(copy)


def test_every_parameter_says_its_type_and_every_number_its_bounds_and_unit():
    for model in MODELS.values():
        for name in model.model_fields:
            schema = model.schema_of(name)
            entry = schema.get("items", schema)
            assert entry["type"] in ("integer", "number", "string"), name
            if entry["type"] != "string":
                assert entry["minimum"] < entry["maximum"], name
                assert entry.get("description"), name


@pytest.mark.parametrize(
    ("model", "values", "plain"),
    [
        (Reconstruction, {"n_atoms": (2, 4)}, {"n_atoms": [2, 4]}),
        (Reconstruction, {"n_atoms": np.array([2, 4])}, {"n_atoms": [2, 4]}),
        (Reconstruction, {"penalty": np.float32(0.5), "seed": np.int64(3)}, {"penalty": 0.5, "seed": 3}),
        (Linearity, {"added": [1, np.float64(2)]}, {"added": [1.0, 2.0]}),
        (Reconstruction, {"penalty": 1}, {"penalty": 1.0}),
    ],
)
def test_what_holds_numbers_becomes_plain_numbers(model, values, plain):
    given = model(**values).model_dump()
    for name, value in plain.items():
        assert given[name] == value
        entries = given[name] if isinstance(value, list) else [given[name]]
        wanted = value if isinstance(value, list) else [value]
        assert [type(entry) for entry in entries] == [type(entry) for entry in wanted]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (Reconstruction, {"lamda": 1.0, "penalty": "x"}, "unknown parameter of 03_reconstruction 'lamda'"),
        (Reconstruction, {"penality": 1.0}, "did you mean 'penalty'"),
        (
            Reconstruction,
            {"penalty": "1e-3"},
            "penalty got '1e-3' of type str; needed: a number from 0.001 to 20, such",
        ),
        (Reconstruction, {"penalty": 21}, "penalty got 21; needed: a number from 0.001 to 20, such as 0.5"),
        (Reconstruction, {"penalty": float("nan")}, "penalty got nan; needed: a number from 0.001 to 20"),
        (Reconstruction, {"penalty": True}, "penalty got True of type bool"),
        (Reconstruction, {"penalty": None}, "penalty got None of type NoneType"),
        (Reconstruction, {"seed": 1.5}, "seed got 1.5 of type float; needed: a whole number from 0 to"),
        (
            Reconstruction,
            {"collection": Path("x")},
            r"collection got \w*Path\('x'\) of type \w*Path; needed: p",
        ),
        (Reconstruction, {"collection": ""}, "collection got ''; needed: printable text, such as 'embedded'"),
        (
            Reconstruction,
            {"n_atoms": [2, 5000]},
            "n_atoms got 5000; needed: a list that increases, each a whole",
        ),
        (Reconstruction, {"n_atoms": {2, 4}}, "n_atoms got {2, 4} of type set; needed: a list that increases"),
        (Reconstruction, {"n_atoms": ()}, r"n_atoms got \[\]; needed: a list that increases"),
        (Reconstruction, {"n_atoms": "[2, 4]"}, "of type str; needed: a list that increases"),
        (Frontier, {"b_dict": [1, 17]}, "b_dict got 17; needed: .* from 1 to 16"),
        (RateModel, {"split": "trian"}, "split got 'trian'; needed: one of train, gallery"),
        (Primer, {"qualities": [50, 5]}, r"qualities got \[50, 5\]; needed: a list that increases"),
    ],
)
def test_what_is_wrong_is_refused_on_one_line(model, values, message):
    with pytest.raises(SmicnbError, match=message) as caught:
        model(**values)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_refusal_in_a_notebook_shows_no_other_error():
    with pytest.raises(UnknownNameError) as caught:
        Reconstruction(lamda=1.0)
    assert caught.value.__suppress_context__


def test_parameters_stay_as_they_were_given():
    given = Reconstruction()
    with pytest.raises(ValueError, match="frozen"):
        given.penalty = 0.7
    given.n_atoms.append(256)
    assert Reconstruction().n_atoms == [2, 4, 8, 16, 32, 64, 128]
