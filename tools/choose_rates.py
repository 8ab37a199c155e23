"""Say from validation photographs alone whether the twin's λ give rates of SIC's, and which λ would.

`python tools/choose_rates.py FOLDER --data bsds500:PATH --data embedded`, where FOLDER holds checkpoints of `smicnb
train sic`. The photographs are of the held-out split, on which nothing is trained, and which no table of the test set
has. Rates are estimates, over crops of the side that was trained on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from smicnb.base.errors import MissingWeightsError
from smicnb.learned.files import checkpoints
from smicnb.learned.files.checkpoints import Checkpoint
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.training.photographs import VALIDATED, Photographs, photographs
from smicnb.learned.training.sic_losses import twin_weights_at

CROPS, SEED = 64, (1, 2**31)  # not the crops that trainings log


def measure(checkpoint: Checkpoint, validated: Photographs, crops: int = CROPS) -> list[dict]:
    """Rows of a checkpoint, one for each level, or one of a twin: model, level, objective, lambda (of squared errors in
    [0, 255] against bits per pixel), bpp and mse over crops.
    """
    run, network = checkpoint.facts["run"], checkpoint.network
    drawn, _ = validated.crops(crops, run["crop"], SEED)
    pixels = torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255
    levels, twin = checkpoint.config.levels, run["objective"] == "rate-distortion"
    sums = {level: np.zeros(2) for level in ([levels] if twin else range(1, levels + 1))}
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for some in pixels.split(run["batch"]):
            coded = network.latent(some)
            for level, found in sums.items():
                made, _ = network.draw_members(coded, level, 1, some.shape[-2:], generator)
                squares = 255**2 * (made[0] - some).square().mean(dim=(1, 2, 3))
                found += [float(coded.bits(level).sum()) / some[0, 0].numel(), float(squares.sum())]
    scale = checkpoint.facts["loss"]["scale"]
    rows = []
    for level, (bpp, mse) in sums.items():
        weight = scale if twin else scale * twin_weights_at(level, levels)[0]
        about = {"model": checkpoint.name, "objective": run["objective"], "level": level, "lambda": weight}
        rows.append(about | {"bpp": bpp / crops, "mse": mse / crops})
    return rows


def propose(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `measure`'s rows with psnr (dB, of the mean error), and twin_lambda: λ of a twin at the rate of each
    level, between the twins' own on logarithmic axes, nan beyond them; and within: whether a twin's rate lies in SIC's.
    """
    twins = table[table["objective"] == "rate-distortion"].groupby("lambda", as_index=False)["bpp"].mean()
    twins = twins.sort_values("bpp")
    own = table[table["objective"] != "rate-distortion"]
    table = table.assign(psnr=10 * np.log10(255**2 / table["mse"]), twin_lambda=np.nan, within="")
    if len(twins) > 1 and len(own):
        logs = np.log(own["bpp"]), np.log(twins["bpp"]), np.log(twins["lambda"])
        table.loc[own.index, "twin_lambda"] = np.exp(np.interp(*logs, left=np.nan, right=np.nan))
    if len(own):
        rest = table.index.difference(own.index)
        table.loc[rest, "within"] = table.loc[rest, "bpp"].between(own["bpp"].min(), own["bpp"].max()).map(
            {True: "yes", False: "no"}
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--crops", type=int, default=CROPS)
    chosen = parser.parse_args(arguments)
    paths = [path for path in sorted(chosen.folder.glob("*.safetensors")) if read_facts(path).get("codec") == "sic"]
    paths = [path for path in paths if "run" in read_facts(path)["facts"]]
    if not paths:
        raise MissingWeightsError(f"found no trained SIC in '{chosen.folder}'", "checkpoints of smicnb train sic")
    found = [checkpoints.load(path) for path in paths]
    validated = photographs(chosen.data, VALIDATED, max(one.facts["run"]["crop"] for one in found), None)
    table = pd.DataFrame([row for one in found for row in measure(one, validated, chosen.crops)])
    print(propose(table).drop(columns="objective").to_string(index=False, float_format=lambda value: f"{value:.5g}"))


if __name__ == "__main__":
    main()
