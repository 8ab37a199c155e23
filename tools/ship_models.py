"""Put the trained models of a plan into the package: python tools/ship_models.py PLAN FOLDER.

Takes the finished checkpoints of those runs that the plan ships, and says which are still to be trained.
"""

import sys
from pathlib import Path

from smicnb.base.errors import SmicnbError
from smicnb.base.files import write_bytes
from smicnb.learned.files import checkpoints
from smicnb.learned.files.shipped import folder
from smicnb.learned.training import plans

MOST_BYTES = {"taco": 48_000_000, "sic": 40_000_000}


def main(plan_path: str, trained: str) -> None:
    """Copy, and check that all of a codec's models together stay small."""
    plan = plans.read_plan(plan_path)
    for training in plans.trainings(plan):
        path = Path(trained) / f"{training.stem}.safetensors"
        if not training.run.ship:
            continue
        if not path.is_file():
            print(f"not trained: {training.name}")
            continue
        checkpoint = checkpoints.load(path)
        planned = {"run": training.run, "loss": training.weights}
        if any(checkpoint.facts[key] != wanted.model_dump(mode="json") for key, wanted in planned.items()):
            raise SmicnbError(f"'{path}' was trained with other settings than the plan's", "the plan's")
        write_bytes(folder() / f"{plan.codec}-{training.stem}.safetensors", path.read_bytes())
    size = sum(path.stat().st_size for path in folder().glob(f"{plan.codec}-*.safetensors"))
    print(f"{plan.codec}: {size} bytes in all")
    if size > MOST_BYTES[plan.codec]:
        raise SmicnbError(f"the models of {plan.codec} take {size} bytes", f"{MOST_BYTES[plan.codec]} at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
