"""Trains what a plan names: seeded, step by step, and after a kill from where it was to the same end."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.base.files import check_folder, sha256_json, write_bytes
from smicnb.base.progress import progress_bar
from smicnb.learned.files import checkpoints, shipped
from smicnb.learned.training.photographs import Batch, Photographs
from smicnb.learned.training.plans import Training
from smicnb.learned.training.sic_task import SicTask
from smicnb.learned.training.taco_task import TacoTask

LOG_EVERY, KEEP_EVERY, VALIDATE_EVERY = 50, 250, 1000  # steps
VALIDATION_CROPS = 16
AUXILIARY_RATE = 1e-3  # of the prior's quantiles
TASKS = {"taco": TacoTask, "sic": SicTask}
ODD = 2_654_435_761  # 2³² by the golden ratio: seeds 1, 2, 3 begin far from each other


def mix_seed(seed: int, step: int) -> int:
    """Seed of a step's noise, in [0, 2³²): torch's generator on a processor looks at no more bits than these.

    The steps of seed 0 are their own seeds. Of the models that ship those of seed 1 had the same noise: their seed was
    in the upper bits alone.
    """
    return (seed * ODD + step) % 2**32


class Task(Protocol):
    """What is particular to a codec in a training.

    Args (of the constructor): the training, the photographs by part, a torch device name.
    """

    clip: float  # largest norm of the gradient
    adversary: nn.Module | None  # trained against the networks, by the term "adversary", and not kept in the end

    def optimiser(self, weights: list[nn.Parameter], learning_rate: float) -> Optimizer:
        """An optimiser of the networks' weights."""

    def learning_rate(self, step: int) -> float:
        """The learning rate of the networks' weights in a step."""

    def new_networks(self) -> nn.Module:
        """Networks with random weights, drawn from torch's own generator."""

    def begin(self, network: nn.Module, batches: Iterable[Batch]) -> None:
        """Prepare networks that were given the weights they start from; `batches` are for looking at features."""

    def terms(self, network: nn.Module, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Scalars to log, "loss" among them; no step where it is only validated."""


@dataclass
class Trainer:
    """One training on some photographs.

    Args:
        training: a training of a plan.
        fitted, validated: photographs.
        folder: place of its state, log and checkpoint, under its name.
        device: a torch device name.
    """

    training: Training
    fitted: Photographs
    validated: Photographs
    folder: Path
    device: str = "cpu"

    def __post_init__(self) -> None:
        self.path = self.folder / f"{self.training.stem}.safetensors"
        self._state = self.folder / f"{self.training.stem}.state.safetensors"
        self._log = self.folder / f"{self.training.stem}.parquet"
        self.parts = {"fitted": self.fitted, "validated": self.validated}

    @property
    def identity(self) -> str:
        """SHA-256 over everything that decides the result: the training, the data, where it starts."""
        start = self._start().sha256 if self.training.start else None
        what = [asdict(self.training.config), self.training.run.model_dump(), self.training.weights.model_dump()]
        return sha256_json([what, self.training.seed, self.fitted.sha256, self.validated.sha256, start])

    def check(self) -> None:
        """Refuse to write over what another training has made: files that were coded with it need it for good.

        Raises:
            SmicnbError: under this training's name there is a checkpoint or a state of another plan, of other
                photographs, or of another beginning.
        """
        do, mine = "name another folder with --out, or move what is there", f"a file of {self.training.name}, or none"
        if self.path.exists() and (unlike := self._list_differences(shipped.read_facts(self.path))):
            raise SmicnbError(f"'{self.path}' is of another training ({unlike})", mine, do)
        if (kept := self._read_kept()) and self._can_begin() and kept != self.identity:
            raise SmicnbError(f"'{self._state}' is the state of another training", mine, do)

    def _list_differences(self, said: dict[str, Any]) -> str:
        """In which respects what a checkpoint says of itself is not this training, as far as that can be told yet."""
        facts, about = said.get("facts", {}), self._describe()
        if "identity" not in facts:
            return "it does not say of which"
        if self._can_begin() and facts["identity"] == self.identity:
            return ""
        found = ["config"] if said.get("config") != json.loads(json.dumps(asdict(self.training.config))) else []
        found += [key for key in ("seed", "start") if facts.get(key) != about[key]]
        for part in ("run", "loss"):
            old, new = facts.get(part, {}), about[part]
            found += [f"{part}.{key}" for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        found += ["photographs"] if facts.get("data") != about["data"] else []
        if not found and self._can_begin():
            return "it began from another one"
        return f"other {', '.join(found)}" if found else ""

    def _can_begin(self) -> bool:
        """Whether what it starts from is there."""
        return not self.training.start or self._start_path.is_file()

    def is_done(self) -> bool:
        """Whether its checkpoint is there, of this very training."""
        return self.path.is_file() and checkpoints.load(self.path).facts.get("identity") == self.identity

    def run(self) -> checkpoints.Checkpoint:
        """Train to the end, from the last kept state where there is one.

        Raises:
            SmicnbError: the loss is not finite any more; the last good state is kept.
        """
        self.check()
        if self.is_done():
            return checkpoints.load(self.path, self.device)
        torch.manual_seed(self.training.seed)  # an adversary's weights are drawn
        self.task: Task = TASKS[self.training.codec](self.training, self.parts, self.device)
        network, rows = self.begin_network(), []
        optimisers = self._optimisers(network)
        step, total = self._resume(network, optimisers, rows), self.training.run.steps
        with progress_bar(f"training {self.training.name}", total, step) as advance:
            while step < total:
                terms = self.take_step(network, optimisers, step)
                step += 1
                advance(1)
                if step % LOG_EVERY == 0 or step == total:
                    rows.append({"step": step, "part": "fitted", **{k: float(v) for k, v in terms.items()}})
                    self._check(rows[-1], step)
                if step % VALIDATE_EVERY == 0 or step == total:
                    rows.append({"step": step, "part": "validated", **self._validate(network)})
                if step % KEEP_EVERY == 0 and step < total:
                    self._keep(network, optimisers, rows, step)
        whole = all(each.requires_grad for each in network.parameters())
        rest = self.training.start if self.training.start_ships and not whole else ""
        self.check()  # hours have gone
        checkpoints.save(self.path, self.training.codec, self.training.name, network, self._facts(rows), rest)
        self.write_log(rows)
        self._state.unlink(missing_ok=True)
        return checkpoints.load(self.path, self.device)

    def _facts(self, rows: list[dict]) -> dict[str, Any]:
        return {
            "identity": self.identity,
            **self._describe(),
            "photographs": {part: photographs.summary for part, photographs in self.parts.items()},
            "validation": {key: round(value, 6) for key, value in rows[-1].items() if isinstance(value, float)},
        }

    def _describe(self) -> dict[str, Any]:
        """What `identity` is made of but the networks' config and the weights it starts from, as JSON has it."""
        return {
            "seed": self.training.seed,
            "start": self.training.start,
            "run": self.training.run.model_dump(mode="json"),
            "loss": self.training.weights.model_dump(mode="json"),
            "data": {part: photographs.sha256 for part, photographs in self.parts.items()},
        }

    @property
    def _start_path(self) -> Path:
        return self.folder / f"{self.training.start.replace('/', '-')}.safetensors"

    def _start(self) -> checkpoints.Checkpoint:
        return checkpoints.load(self._start_path)

    def begin_network(self) -> nn.Module:
        torch.manual_seed(self.training.seed)
        network = self.task.new_networks()
        if self.training.start:
            network.load_state_dict(dict(self._start().network.named_parameters()), strict=False)
        network = network.to(self.device, memory_format=torch.channels_last).train()
        self.task.begin(network, (self.draw_batch("fitted", (self.training.seed, 2**31 + k)) for k in count()))
        return network

    def _optimisers(self, network: nn.Module) -> dict[str, Optimizer]:
        quantiles, rate = network.prior.quantiles, self.training.run.learning_rate
        weights = [each for each in network.parameters() if each.requires_grad and each is not quantiles]
        found = {"main": self.task.optimiser(weights, rate)}
        if quantiles.requires_grad:
            found["auxiliary"] = torch.optim.Adam([quantiles], AUXILIARY_RATE)
        if self.task.adversary is not None:
            found["adversary"] = torch.optim.Adam(self.task.adversary.parameters(), rate)
        return found

    def take_step(self, network: nn.Module, optimisers: dict[str, Optimizer], step: int) -> dict[str, Tensor]:
        # Each step draws from a seed of its own: what was interrupted goes on with the same numbers.
        torch.manual_seed(mix_seed(self.training.seed, step))
        main = optimisers["main"]
        for group in main.param_groups:
            group["lr"] = self.task.learning_rate(step)
        for optimiser in optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        with self._mixed_precision():
            terms = self.task.terms(network, self.draw_batch("fitted", (self.training.seed, step)), step)
        terms["loss"].backward()
        norm = nn.utils.clip_grad_norm_(
            [each for group in main.param_groups for each in group["params"]], self.task.clip
        )
        if not torch.isfinite(norm):
            raise self._not_finite_error("gradient", step + 1)
        main.step()
        if "auxiliary" in optimisers:
            network.prior.loss().backward()
            optimisers["auxiliary"].step()
        if "adversary" in optimisers:
            optimisers["adversary"].zero_grad(set_to_none=True)  # of what the networks' own loss left there
            terms["adversary"].backward()
            optimisers["adversary"].step()
        return {key: value.detach() for key, value in terms.items()}

    def _mixed_precision(self) -> Any:
        """bfloat16 where the processor or the GPU has it; the rate's networks stay in float32."""
        if self.device == "cpu" and not torch.cpu._is_avx512_bf16_supported():
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    @torch.inference_mode()
    def _validate(self, network: nn.Module) -> dict[str, float]:
        """Mean terms over the same crops each time, rounding instead of noise."""
        network.eval()
        sums: dict[str, list[float]] = {}
        for start in range(0, VALIDATION_CROPS, self.training.run.batch):
            with self._mixed_precision():
                terms = self.task.terms(network, self.draw_batch("validated", (0, start)), None)
            for key, value in terms.items():
                sums.setdefault(key, []).append(float(value))
        network.train()
        return {key: float(np.mean(values)) for key, values in sums.items()}

    def draw_batch(self, part: str, seed: Sequence[int]) -> Batch:
        run = self.training.run
        crops, numbers = self.parts[part].crops(run.batch, run.crop, seed)
        pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        return Batch(part, pixels.to(self.device, memory_format=torch.channels_last), numbers, tuple(seed))

    def _check(self, row: dict, step: int) -> None:
        for key, value in row.items():
            if isinstance(value, float) and not np.isfinite(value):
                raise self._not_finite_error(key, step)

    def _not_finite_error(self, what: str, step: int) -> SmicnbError:
        kept = self._state.name if self._state.is_file() else "nothing, for none was kept yet"
        return SmicnbError(
            f"the {what} of {self.training.name} is not finite at step {step}",
            "finite numbers",
            f"lower the learning rate; the last good state is {kept}",
        )

    def _tensors(self, network: nn.Module) -> dict[str, Tensor]:
        """All numbers that training changes but the optimisers', by name; changing them changes the networks."""
        found = {f"network.{key}": value for key, value in network.named_parameters()}
        if self.task.adversary is not None:
            found |= {f"other.{key}": value for key, value in self.task.adversary.state_dict(keep_vars=True).items()}
        return found

    def _keep(self, network: nn.Module, optimisers: dict[str, Optimizer], rows: list[dict], step: int) -> None:
        from safetensors.torch import save

        tensors = self._tensors(network)
        for name, optimiser in optimisers.items():
            for number, state in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
        meta = {"identity": self.identity, "step": str(step), "rows": json.dumps(rows)}
        # channels_last tensors are stored in their logical order
        write_bytes(self._state, save({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, meta))
        self.write_log(rows)

    def _read_kept(self) -> str | None:
        """The identity of the training that a kept state is of; None without one, or where it cannot be read."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._state, "np") as file:
                return (file.metadata() or {}).get("identity", "of nobody")
        except (SafetensorError, OSError):
            return None

    def _resume(self, network: nn.Module, optimisers: dict[str, Optimizer], rows: list[dict]) -> int:
        """The step to go on with, after everything was put back as it was kept."""
        from safetensors import SafetensorError, safe_open

        if not self._state.is_file():
            return 0
        try:
            with safe_open(self._state, "pt", device=self.device) as file:
                meta = file.metadata()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        except (SafetensorError, OSError) as error:
            raise IntegrityError(
                f"'{self._state}' is damaged", "the state of a training", "delete it to start anew"
            ) from error
        with torch.no_grad():
            for key, value in self._tensors(network).items():
                value.copy_(tensors[key])
        for name, optimiser in optimisers.items():
            _put_back(optimiser, name, tensors)
        rows += json.loads(meta["rows"])
        return int(meta["step"])

    def write_log(self, rows: list[dict]) -> None:
        import io

        file = io.BytesIO()
        pd.DataFrame(rows).to_parquet(file, index=False)
        write_bytes(self._log, file.getvalue())


def _put_back(optimiser: Optimizer, name: str, tensors: dict[str, Tensor]) -> None:
    stored = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        owner, _, rest = key.partition(".")
        if owner == name:
            number, _, what = rest.partition(".")
            state.setdefault(int(number), {})[what] = value
    optimiser.load_state_dict({"state": state, "param_groups": stored["param_groups"]})


def train(
    trainings: Sequence[Training],
    fitted: Photographs,
    validated: Photographs,
    folder: Path,
    device: str = "cpu",
    told: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Train one after another; what is done already is passed over.

    Args:
        trainings: trainings to run, each after the one it branches from.
        fitted, validated: photographs.
        folder: place of checkpoints (.safetensors), logs (.parquet) and the states of unfinished ones.
        device: a torch device name.
        told: function that is given a line for each.

    Returns:
        The checkpoints' paths.

    Raises:
        SmicnbError: the folder cannot be written, or holds models or states of other trainings; before any is begun.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths, trainers = [], [Trainer(training, fitted, validated, folder, device) for training in trainings]
    for trainer in trainers:
        trainer.check()
    for trainer in trainers:
        checkpoint = trainer.run()
        told(f"{trainer.training.name}: {json.dumps(checkpoint.facts['validation'])}")
        paths.append(trainer.path)
    return paths
