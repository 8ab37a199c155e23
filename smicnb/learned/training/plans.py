"""What is to be trained, as YAML: runs that branch from one another, at some rates, for some seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from smicnb.base import yaml12
from smicnb.base.bounds import MOST_SEED, MOST_WEIGHT
from smicnb.base.errors import SmicnbError
from smicnb.base.names import fold_case, unknown
from smicnb.learned.networks.sic import SIZES as SIC_SIZES
from smicnb.learned.networks.sic import SicConfig
from smicnb.learned.networks.taco import SIZES, TacoConfig
from smicnb.learned.training.control import Task
from smicnb.learned.training.losses import LossWeights, leave_out_unsaid
from smicnb.learned.training.sic_losses import SicWeights

# Bounds are far beyond use: they keep slips and overflows from libraries that take any number.
MOST_STEPS, MOST_SIDE, MOST_BATCH = 10**8, 4096, 4096
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Rate = Annotated[float, Field(gt=0, le=MOST_WEIGHT)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Run(_Strict):
    """One training, without its rate and seed: what the codecs have in common.

    Args:
        start: RUN at the same rate and seed that it branches from, or RUN/RATE at the same seed; None: random weights.
        steps: number of the optimiser's steps.
        crop: side of the random crops, a multiple of 64.
        batch: crops in a step.
        learning_rate: learning rate at the start.
        milestones: shares of the steps after which it is divided by 10; TACO's are epochs 45 and 48 of 50.
        ship: whether it is one of the models that are compared, not only where others start.
    """

    start: str | None = None
    steps: int = Field(ge=1, le=MOST_STEPS)
    crop: int = Field(128, ge=64, le=MOST_SIDE, multiple_of=64)
    batch: int = Field(8, ge=2, le=MOST_BATCH)
    learning_rate: float = Field(1e-4, gt=0, le=1)
    milestones: tuple[Share, ...] = (0.9, 0.96)
    ship: bool = True


class TacoRun(Run):
    """One training of TACO.

    Args:
        text: how text gets in, as in `TacoConfig`.
        train: "all" of the weights, or those of the "adapter" alone (the paper's frozen base model).
        loss: weights of the loss except λ, which is the rate's.
        joint_side: pixels of the square that the encoder of the joint loss sees; None: its own.
        control: a sentence names a part of the crop and squared error counts there alone, without LPIPS and joint loss
            (`control`): "halves"; "left", always the left half; "planes", brightness or colours; None, which is not
            written down: captions, and the whole crop.
    """

    text: Literal["adapter", "none", "tgic"] = "adapter"
    train: Literal["all", "adapter"] = "all"
    loss: dict[str, Any] = {}
    joint_side: int | None = Field(None, ge=8, le=MOST_SIDE)
    control: Task | None = None

    @model_serializer(mode="wrap")
    def _describe(self, describe: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return leave_out_unsaid(describe(self), ("control",))

    @model_validator(mode="after")
    def _check_control(self) -> "TacoRun":
        if self.control and (wrong := [name for name in ("lpips", "joint") if self.loss.get(name)]):
            raise ValueError(f"a control has squared error alone, and no weight for {' and '.join(wrong)}")
        return self


class Plan(_Strict):
    """Everything that one `smicnb train` is to train: what the codecs' plans have in common.

    Args:
        size: "full" or "mini".
        rates: name -> λ of TACO's distortion, or a factor of SIC's.
        rates_of: run -> rates of its own in place of these.
        seeds: run -> its seeds.
    """

    size: Literal["full", "mini"]
    rates: dict[str, Rate]
    rates_of: dict[str, dict[str, Rate]] = {}
    seeds: dict[str, tuple[Seed, ...]]

    def rates_for(self, name: str) -> dict[str, float]:
        """The rates of a run."""
        return self.rates_of.get(name, self.rates)


class TacoPlan(Plan):
    """A plan of TACO: name -> run."""

    codec: Literal["taco"]
    runs: dict[str, TacoRun]

    def config(self, run: TacoRun) -> TacoConfig:
        """Size and variant of a run's networks."""
        return replace(SIZES[self.size], text=run.text)

    def weights(self, run: TacoRun, rate: str, value: float) -> LossWeights:
        """Weights of a run's loss at a rate, whose λ is `value`."""
        return LossWeights(distortion=value, **({"lpips": 0, "joint": 0} if run.control else {}) | run.loss)


class SicRun(Run):
    """One training of SIC.

    Args:
        rise: steps in which the learning rate rises to its value.
        samples: M, reconstructions of the level in a step.
        objective: "synonymous" (Eq. 12), or "rate-distortion": all levels, squared error and rate alone, no sampling.
        constraints: whether idempotence is asked for (Eq. 44 and 45).
        warm_up: first steps with Eq. 47.
        adversarial: whether g_s alone is trained, against a discriminator (Eq. 14 to 16).
        adversary_width: channels of its first convolution; the paper's 64.
        detail: how what is not coded is sampled, as in `SicConfig`.
        growing: whether the groups grow with the level instead of being equal.
        weights: weights of the loss except the scale, which is the rate's; each a number, or one for each rate's name.
    """

    milestones: tuple[Share, ...] = ()
    rise: int = Field(0, ge=0, le=MOST_STEPS)
    samples: int = Field(1, ge=1, le=MOST_BATCH)
    objective: Literal["synonymous", "rate-distortion"] = "synonymous"
    constraints: bool = True
    warm_up: int = Field(0, ge=0, le=MOST_STEPS)
    adversarial: bool = False
    adversary_width: int = Field(64, ge=1, le=MOST_SIDE)
    detail: Literal["uniform", "scale", "zero"] = "uniform"
    growing: bool = False
    weights: dict[str, Any] = {}


class SicPlan(Plan):
    """A plan of SIC: name -> run."""

    codec: Literal["sic"]
    runs: dict[str, SicRun]

    def config(self, run: SicRun) -> SicConfig:
        """Size and variant of a run's networks."""
        config = SIC_SIZES[self.size]
        return replace(config, detail=run.detail, groups=growing_groups(config) if run.growing else config.groups)

    def weights(self, run: SicRun, rate: str, value: float) -> SicWeights:
        """Weights of a run's loss at a rate, whose factor of the distortion is `value`.

        Raises:
            UnknownNameError: a weight that is given for each rate lacks this one.
        """
        own = {}
        for name, weight in run.weights.items():
            if isinstance(weight, dict) and rate not in weight:
                raise unknown(f"rate of the weight '{name}'", rate, weight)
            own[name] = weight[rate] if isinstance(weight, dict) else weight
        return SicWeights(scale=value, **own)


def growing_groups(config: SicConfig) -> tuple[int, ...]:
    """As many groups as a config has, whose sizes rise by equal steps as far as whole channels let them."""
    levels, channels = config.levels, config.latent
    ends = [round(channels * number * (number + 1) / (levels * (levels + 1))) for number in range(levels + 1)]
    return tuple(max(1, end - start) for start, end in pairwise(ends))


PLANS = {"taco": TacoPlan, "sic": SicPlan}


def learning_rate_at(run: Run, step: int) -> float:
    """A run's learning rate after its milestones."""
    return run.learning_rate / 10 ** sum(step >= share * run.steps for share in run.milestones)


@dataclass(frozen=True)
class Training:
    """One training: a run at a rate with a seed.

    Args:
        codec: "taco" or "sic".
        name: RUN/RATE/SEED.
        config: the networks' config.
        run: everything else.
        weights: weights of the loss.
        seed: seed of weights, crops and noise.
        start: the name of the training that it branches from, or None.
        start_ships: whether that one's checkpoint will lie beside its own, so that what is not trained need not.
    """

    codec: str
    name: str
    config: TacoConfig | SicConfig
    run: Run
    weights: BaseModel
    seed: int
    start: str | None
    start_ships: bool = False

    @property
    def stem(self) -> str:
        """The name that its files have."""
        return self.name.replace("/", "-")


def read_plan(path: Path | str) -> Plan:
    """A plan from its file.

    Raises:
        SmicnbError: it cannot be read, or what it says is wrong.
    """
    try:
        stored = yaml12.read(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SmicnbError(f"'{path}' cannot be read as a training plan ({error})", "a YAML file") from error
    codec = stored.get("codec") if isinstance(stored, dict) else None
    if codec not in PLANS:
        raise SmicnbError(f"'{path}' is a training plan for the codec '{codec}'", f"one of {', '.join(PLANS)}")
    try:
        plan = PLANS[codec].model_validate(stored)
        trainings(plan)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SmicnbError(f"'{path}' says {place or 'something'}: {first['msg']}", "a training plan") from error
    return plan


def trainings(plan: Plan, wanted: Sequence[str] = ()) -> list[Training]:
    """The trainings of a plan, each after the one it branches from.

    Args:
        plan: a plan with its runs.
        wanted: names RUN, RUN/RATE or RUN/RATE/SEED of those wanted, with what they need; all where empty.

    Raises:
        UnknownNameError: a name that the plan does not have.
    """
    found: dict[str, Training] = {}
    for name in (*plan.seeds, *plan.rates_of):
        if name not in plan.runs:
            raise unknown("run", name, plan.runs)
    for name in plan.runs:
        for rate in plan.rates_for(name):
            for seed in plan.seeds.get(name, ()):
                _add(plan, name, rate, seed, found, ())
    _check_files(found.values())
    chosen: dict[str, Training] = {}
    for one in wanted:
        some = [name for name in found if f"{name}/".startswith(f"{one}/")]
        if not some:
            raise unknown("training", one, sorted(found))
        for name in some:
            _add_needs(found, name, chosen)
    return list((chosen if wanted else found).values())


def _check_files(trainings: Iterable[Training]) -> None:
    """Refuse two trainings that would write the same file, on some file system."""
    taken: dict[str, str] = {}
    for training in trainings:
        if other := taken.get(fold_case(training.stem)):
            raise SmicnbError(
                f"'{other}' and '{training.name}' would be one file", "names that differ", "rename a run or a rate"
            )
        taken[fold_case(training.stem)] = training.name


def _add(plan: Plan, name: str, rate: str, seed: int, found: dict[str, Training], above: tuple[str, ...]) -> None:
    key = f"{name}/{rate}/{seed}"
    if key in found:
        return
    if name not in plan.runs:
        raise unknown("run", name, plan.runs)
    if name in above:
        raise SmicnbError(f"the runs {', '.join(above)} start from one another", "a run that starts anew")
    if rate not in plan.rates_for(name):
        raise unknown(f"rate of the run '{name}'", rate, plan.rates_for(name))
    run, start, ships = plan.runs[name], None, False
    if run.start is not None:
        before, _, other = run.start.partition("/")
        _add(plan, before, other or rate, seed, found, (*above, name))
        start, ships = f"{before}/{other or rate}/{seed}", plan.runs[before].ship and seed in plan.seeds.get(before, ())
    weights = plan.weights(run, rate, plan.rates_for(name)[rate])
    found[key] = Training(plan.codec, key, plan.config(run), run, weights, seed, start, ships)


def _add_needs(found: dict[str, Training], name: str, chosen: dict[str, Training]) -> None:
    if found[name].start:
        _add_needs(found, found[name].start, chosen)
    chosen[name] = found[name]
