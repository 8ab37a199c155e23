"""Training plans: branches after their bases, and one line about what is wrong."""

import pytest
import yaml

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.learned.training import plans

PLAN = {
    "codec": "taco",
    "size": "mini",
    "rates": {"low": 0.001, "high": 0.01},
    "seeds": {"full": [0, 1], "plain": [0]},
    "runs": {
        "full": {"start": "base", "steps": 5},
        "plain": {"start": "base", "steps": 5, "text": "none", "loss": {"joint": 0}},
        "base": {"steps": 9, "text": "none", "loss": {"lpips": 0, "joint": 0}},
    },
}


def plan(tmp_path, **changes):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(PLAN | changes, sort_keys=False))
    return plans.read_plan(path)


def test_each_branch_comes_after_its_base(tmp_path):
    names = [training.name for training in plans.trainings(plan(tmp_path))]
    assert names[:4] == ["base/low/0", "full/low/0", "base/low/1", "full/low/1"]
    assert len(names) == len(set(names)) == 10
    for training in plans.trainings(plan(tmp_path)):
        assert training.start is None or names.index(training.start) < names.index(training.name)


def test_a_training_knows_its_rate_variant_and_losses(tmp_path):
    (_, plain) = plans.trainings(plan(tmp_path), ["plain/high"])
    assert (plain.name, plain.start, plain.seed) == ("plain/high/0", "base/high/0", 0)
    assert (plain.config.text, plain.config.width) == ("none", 48)
    assert (plain.weights.distortion, plain.weights.joint, plain.weights.lpips) == (0.01, 0, 3.5)


def test_wanted_ones_come_with_what_they_need(tmp_path):
    names = [training.name for training in plans.trainings(plan(tmp_path), ["full/low/1"])]
    assert names == ["base/low/1", "full/low/1"]
    with pytest.raises(UnknownNameError, match="did you mean 'full/low/1'"):
        plans.trainings(plan(tmp_path), ["full/low/2"])


def test_a_run_may_have_rates_of_its_own_and_start_at_another(tmp_path):
    runs = PLAN["runs"] | {"tuned": {"start": "plain/slow", "steps": 5}}
    changes = {"runs": runs, "seeds": {"tuned": [1]}, "rates_of": {"plain": {"slow": 0.5}, "base": {"slow": 0.7}}}
    every = plans.trainings(plan(tmp_path, **changes))
    assert [(each.name, each.start, each.weights.distortion) for each in every] == [
        ("base/slow/1", None, 0.7),
        ("plain/slow/1", "base/slow/1", 0.5),
        ("tuned/low/1", "plain/slow/1", 0.001),
        ("tuned/high/1", "plain/slow/1", 0.01),
    ]


def test_a_weight_may_be_another_at_each_rate(tmp_path):
    twin = {"steps": 5, "objective": "rate-distortion", "weights": {"lpips": {"low": 1, "high": 2.5}, "alpha": 0.25}}
    changes = {"codec": "sic", "seeds": {"twin": [0]}, "runs": {"twin": twin}}
    found = [each.weights for each in plans.trainings(plan(tmp_path, **changes))]
    assert [(each.scale, each.lpips, each.alpha) for each in found] == [(0.001, 1, 0.25), (0.01, 2.5, 0.25)]
    twin["weights"]["lpips"] = {"low": 1}
    with pytest.raises(SmicnbError, match=r"rate of the weight 'lpips'.*high"):
        plan(tmp_path, **changes)


def test_rates_of_one_run_change_nothing_about_others(tmp_path):
    before = {each.name: each for each in plans.trainings(plan(tmp_path))}
    changes = {"runs": PLAN["runs"] | {"twin": {"steps": 5}}, "rates_of": {"twin": {"one": 1.0}}}
    after = {each.name: each for each in plans.trainings(plan(tmp_path, **changes))}
    assert all(after[name] == training for name, training in before.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "medium"}, "size"),
        ({"runs": {"full": {"steps": 0}}}, "runs.full.steps"),
        ({"runs": {"full": {"steps": 1, "crop": 100}}}, "runs.full.crop"),
        ({"runs": {"full": {"steps": 1, "stops": 1}}}, "runs.full.stops"),
        ({"seeds": {"full": [0]}, "runs": {"full": {"steps": 1, "start": "bass"}}}, "bass"),
        ({"runs": {"full": {"steps": 1, "start": "plain"}, "plain": {"steps": 1, "start": "full"}}}, "one another"),
        ({"runs": {"full": {"steps": 1, "loss": {"gan": 1}}, "plain": {"steps": 1}}}, "gan"),
        ({"seeds": {"fool": [0]}}, "fool"),
        ({"rates_of": {"fool": {"low": 1.0}}}, "fool"),
        ({"rates_of": {"base": {"lower": 1.0}}}, "rate of the run 'base'.*low"),
        ({"seeds": {"full": [0]}, "runs": {"full": {"steps": 1, "start": "base/mid"}, "base": {"steps": 1}}}, "mid"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said(tmp_path, changes, message):
    with pytest.raises(SmicnbError, match=message):
        plan(tmp_path, **changes)


def test_numbers_of_a_plan_are_those_of_yaml_1_2(tmp_path):
    path = tmp_path / "plan.yaml"
    text = (
        yaml.safe_dump(PLAN, sort_keys=False)
        .replace("steps: 9", "steps: 010")
        .replace("joint: 0\n", "joint: 1e-3\n", 1)
    )
    path.write_text(text)
    found = plans.read_plan(path).runs
    assert found["base"].steps == 10
    assert found["plain"].loss == {"joint": 0.001}
    path.write_text(f"{text}size: full\n")
    with pytest.raises(SmicnbError, match="the key 'size' stands twice"):
        plans.read_plan(path)


def test_no_plan(tmp_path):
    (tmp_path / "plan.yaml").write_text("runs: [")
    for path in (tmp_path / "plan.yaml", tmp_path / "none.yaml"):
        with pytest.raises(SmicnbError, match="cannot be read as a training plan"):
            plans.read_plan(path)


def test_the_plans_of_the_repository_can_be_read(repository):
    for path in sorted((repository / "recipes" / "train").glob("*.yaml")):
        assert plans.trainings(plans.read_plan(path))


def test_what_does_not_ship_is_not_relied_on(repository):
    """The weights that a run has not trained are stored again unless those it began from lie beside it."""
    folder = repository / "recipes" / "train"
    taco, sic = (plans.trainings(plans.read_plan(folder / f"{name}-mini.yaml")) for name in ("taco", "sic"))
    assert not any(each.start_ships for each in taco)  # the bases do not ship
    assert [each.name.split("/")[0] for each in sic if each.start_ships] == [
        "one-sample-adversarial",
        "five-samples-adversarial",
    ]


BOUNDED = {"seeds": {"full": [0]}, "runs": {"full": {"steps": 1}}}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"seeds": {"full": [2**32]}}, "seeds.full.0"),
        ({"seeds": {"full": [-1]}}, "seeds.full.0"),
        ({"rates": {"low": float("inf")}}, "rates.low"),
        ({"rates": {"low": 0}}, "rates.low"),
        ({"runs": {"full": {"steps": 10**20}}}, "runs.full.steps"),
        ({"runs": {"full": {"steps": 1, "batch": 10**12}}}, "runs.full.batch"),
        ({"runs": {"full": {"steps": 1, "crop": 64 * 10**9}}}, "runs.full.crop"),
        ({"runs": {"full": {"steps": 1, "joint_side": 0}}}, "runs.full.joint_side"),
        ({"runs": {"full": {"steps": 1, "learning_rate": float("nan")}}}, "runs.full.learning_rate"),
        ({"runs": {"full": {"steps": 1, "milestones": [-0.5]}}}, "runs.full.milestones.0"),
        ({"runs": {"full": {"steps": 1, "loss": {"lpips": float("inf")}}}}, "lpips"),
    ],
)
def test_numbers_that_nothing_could_be_done_with_are_refused(tmp_path, changes, place):
    with pytest.raises(SmicnbError, match=f"says {place}: "):
        plan(tmp_path, **(BOUNDED | changes))


def unbounded(schema, place=""):
    """Where a JSON schema lets a number be any."""
    if isinstance(schema, list):
        return [found for number, each in enumerate(schema) for found in unbounded(each, f"{place}.{number}")]
    if not isinstance(schema, dict):
        return []
    found = [place] if schema.get("type") in ("integer", "number") and not _ends(schema) else []
    return found + [one for key, each in schema.items() for one in unbounded(each, f"{place}.{key}")]


def _ends(schema):
    return schema.keys() & {"minimum", "exclusiveMinimum"} and schema.keys() & {"maximum", "exclusiveMaximum"}


@pytest.mark.parametrize("model", [plans.TacoPlan, plans.SicPlan, plans.LossWeights, plans.SicWeights])
def test_every_number_of_a_plan_has_bounds(model):
    assert unbounded(model.model_json_schema()) == []


def test_every_number_of_a_notebook_s_parameters_has_bounds(repository):
    from smicnb.repro.parameters import model_of

    for path in (repository / "notebooks").glob("*.ipynb"):
        assert unbounded(model_of(path).model_json_schema()) == [], path


def test_two_trainings_that_would_write_one_file_are_refused(tmp_path):
    for runs in (("a-b/c", "a/b-c"), ("Base/low", "base/low")):
        names, rates = zip(*(run.split("/") for run in runs), strict=True)
        changes = {
            "rates": dict.fromkeys(rates, 0.1),
            "seeds": {name: [0] for name in names},
            "runs": {name: {"steps": 1} for name in names},
        }
        with pytest.raises(SmicnbError, match=r"'.*' and '.*' would be one file"):
            plan(tmp_path, **changes)
