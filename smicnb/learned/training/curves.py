"""How trainings went: pictures from the logs beside their checkpoints, and a table of what checkpoints say."""

import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from smicnb.base.files import write_bytes
from smicnb.learned.files.checkpoints import Checkpoint
from smicnb.learned.training.losses import contrast_of_guessing

TERMS = {
    "loss": "loss (↓)",
    "bpp": "estimated rate / bits per pixel (↓)",
    "mse": "mean squared error (↓)",
    "lpips": "LPIPS, AlexNet (↓)",
}


def draw(folder: Path) -> Path:
    """Draw the curves of every log of `loop.train` (.parquet) in a folder into its curves.png: the path returned."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logs = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (term, label) in zip(figure.subplots(1, len(TERMS)), TERMS.items(), strict=True):
        for name, log in logs.items():
            if term in log:
                rows = log[log["part"] == "validated"]
                panel.plot(rows["step"], rows[term], marker=".", label=name, linewidth=1)
        panel.set(xlabel="step", ylabel=label)
        if term != "loss":
            panel.set_yscale("log")
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right center", fontsize="x-small")
    file, path = io.BytesIO(), folder / "curves.png"
    figure.savefig(file, dpi=150)
    write_bytes(path, file.getvalue())
    return path


def training_table(checkpoints: Iterable[Checkpoint], settings: Iterable[str] = ()) -> pd.DataFrame:
    """How models of one codec were trained, a row each.

    Returns:
        model, start, steps, `settings` of its run, lambda, and the terms of the loss on validation crops at the end.
    """
    rows = []
    for checkpoint in checkpoints:
        facts = checkpoint.facts
        row = {"model": checkpoint.name, "start": facts["start"] or "random weights"}
        row |= {name: facts["run"][name] for name in ("steps", *settings)}
        row["lambda"] = facts["loss"]["scale" if checkpoint.codec == "sic" else "distortion"]
        rows.append(row | {name: value for name, value in facts["validation"].items() if name != "loss"})
    return pd.DataFrame(rows)


def contrast_table(checkpoints: Iterable[Checkpoint]) -> pd.DataFrame:
    """The joint loss's contrastive term at the end of trainings, beside what guessing among a batch comes to.

    Args:
        checkpoints: checkpoints of TACO; those without joint loss are left out.

    Returns:
        model, logit_scale, batch, contrast (on validation crops, in nats), guessing, above: contrast less guessing, so
        that what lies above 0 is worse than no opinion.
    """
    rows = []
    for checkpoint in checkpoints:
        facts = checkpoint.facts
        if (contrast := facts["validation"].get("contrast")) is not None:
            guessing = contrast_of_guessing(facts["run"]["batch"])
            row = {
                "model": checkpoint.name,
                "logit_scale": facts["loss"]["logit_scale"],
                "batch": facts["run"]["batch"],
            }
            rows.append(row | {"contrast": contrast, "guessing": guessing, "above": contrast - guessing})
    return pd.DataFrame(rows, columns=["model", "logit_scale", "batch", "contrast", "guessing", "above"])
