"""Verdicts on dictionaries and what they decode to: notebooks 02 and 03."""

import pandas as pd

from smicnb.codec.published import LATENT_NORM
from smicnb.compare.images import floors
from smicnb.studies.committed import Verdict, count_rises, verdict
from smicnb.studies.reconstruction.reading import PCA_DEBIASED, RIVALS


def _cell(cell: str) -> tuple[float, float, float]:
    """Mean and the ends of its interval, of "0.824 [0.814, 0.834]"."""
    mean, low, high = (float(part) for part in cell.replace("[", "").replace("]", "").replace(",", "").split())
    return mean, low, high


def _mean(cell: str) -> float:
    return _cell(cell)[0]


@verdict("bsds500/02_dictionary_atoms/atoms_by_word")
def atoms_have_names(table: pd.DataFrame) -> Verdict:
    """How close the nearest word is to an atom."""
    cosines = table["cosine_of_first_word"]
    low, middle, high = cosines.min(), cosines.median(), cosines.max()
    sentence = f"cosine of an atom and its nearest word: {middle:.2f} at the median of {len(cosines)} atoms"
    return Verdict("measured", f"{sentence}, from {low:.2f} to {high:.2f}")


@verdict("02_dictionary_atoms/fig06_learning")
def sparse_codes(learned: pd.DataFrame) -> Verdict:
    """Eq. 7: how many atoms an image of the collection takes under the penalty that the dictionary is learned with."""
    codes, scenes = learned.drop(columns="scene"), learned["scene"].nunique()
    used = (codes != 0).sum(axis=1)
    return Verdict(
        "measured",
        f"an image takes {used.mean():.1f} of {codes.shape[1]} atoms on average, {used.min()} to {used.max()}; the "
        f"{codes.shape[0]} images are views of {scenes} scenes",
    )


@verdict("bsds500/03_reconstruction/table1_latent_cosine")
def latents_as_sums(table: pd.DataFrame) -> Verdict:
    """Eq. 5: how near a sum of atoms comes to the latent of an image that the dictionary was not learned on."""
    rows = table[(table["kind"] == "learned") & (table["split"] == "heldout")].sort_values("n_atoms")
    ends = [
        f"{row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}] with {row['n_atoms']} atoms"
        for _, row in rows.iloc[[0, -1]].iterrows()
    ]
    return Verdict(
        "measured", f"latent cosine of {rows['images'].iloc[0]} held-out images and their sums: {' to '.join(ends)}"
    )


@verdict("02_dictionary_atoms/fig06_learning")
def coefficient_sum(table: pd.DataFrame) -> Verdict:
    """The sum of an image's coefficients beside the norm of latents."""
    codes = table.drop(columns="scene")
    sums = codes.sum(axis=1)
    low, high = sums.quantile(0.05), sums.quantile(0.95)
    outcome = "partly" if low <= LATENT_NORM <= high else "differs"
    sentence = f"the sum is {sums.mean():.1f} on average, {low:.1f} to {high:.1f} in nine of ten images"
    return Verdict(outcome, f"{sentence}; that of magnitudes is {codes.abs().sum(axis=1).mean():.1f}")


@verdict("03_reconstruction/fig09_decomposition")
def decomposition(shown: pd.DataFrame) -> Verdict:
    """How the coefficients of the shown image spread over atoms."""
    first = shown.iloc[shown["share"].argmax()]
    sentence = f"one atom ('{first['words']}') holds {100 * first['share']:.0f} % of the image's coefficients"
    return Verdict("measured", f"{sentence}, the next {100 * shown['share'].nlargest(2).iloc[1]:.0f} %")


@verdict("bsds500/03_reconstruction/table1")
def fidelity_grows(table: pd.DataFrame) -> Verdict:
    """Table I: whether the cosines rise with the number of atoms, as the printed CC does."""
    atoms = table[table["n_a"].str.isdigit()]
    published = atoms["CC as published"].astype(float)
    latent, image = (atoms[f"{name}, held-out"].map(_mean) for name in ("latent cosine", "image cosine (CC)"))
    steps = len(atoms) - 1
    rising = [count_rises(values) for values in (published, latent, image)]
    ends = [values.iloc[-1] > values.iloc[0] for values in (latent, image)]
    outcome = "agrees" if rising[1:] == [steps, steps] else "partly" if any(ends) else "differs"
    parts = [
        f"{name} rises at {count} of {steps} steps, {values.iloc[0]:.3f} to {values.iloc[-1]:.3f}"
        for name, count, values in zip(
            ("as published CC", "on held-out images the latent cosine", "the image cosine"),
            rising,
            (published, latent, image),
            strict=True,
        )
    ]
    return Verdict(outcome, "; ".join(parts))


@verdict("bsds500/03_reconstruction/atoms_against_baselines")
def learned_atoms(table: pd.DataFrame) -> Verdict:
    """Learned atoms against each rival on held-out images, by the latent cosine."""
    held = table[(table["split"] == "heldout") & (table["metric"] == "latent_cosine")]
    parts = []
    for rival, label in {**RIVALS, PCA_DEBIASED: "PCA with debiased codes"}.items():
        counts = held.loc[held["against"] == rival, "verdict"].value_counts()
        words = ", ".join(f"{name.removeprefix('learned ')} at {counts[name]}" for name in sorted(counts.index))
        parts.append(f"against {label}: {words} of {counts.sum()} sizes")
    return Verdict("measured", "learned atoms on held-out images, " + "; ".join(parts))


@verdict("bsds500/03_reconstruction/table1")
def dictionary_beside_none(table: pd.DataFrame) -> Verdict:
    """Table I: the largest dictionary beside the latent itself."""
    none, largest = table[~table["n_a"].str.isdigit()].iloc[0], table[table["n_a"].str.isdigit()].iloc[-1]
    published = [float(row["CC as published"]) for row in (none, largest)]
    ours = [_cell(row["image cosine (CC), held-out"]) for row in (none, largest)]
    overlap = ours[0][1] <= ours[1][2] and ours[1][1] <= ours[0][2]
    outcome = "undecided" if overlap else "agrees" if ours[1] > ours[0] else "differs"
    parts = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in ours]
    sentence = f"here {parts[1]} with {largest['n_a']} atoms and {parts[0]} without a dictionary"
    return Verdict(outcome, f"{sentence}; CC as published {published[1]:.3f} and {published[0]:.3f}")


@verdict("bsds500/03_reconstruction/table1_floors")
def floors_of_atoms(table: pd.DataFrame) -> Verdict:
    """Table I between floors and a ceiling: what dictionaries keep beside the number of a gallery photograph."""
    atoms = list(table.loc[table["shown"].str.endswith(" atoms"), "shown"])
    said = floors.tell_briefly(table, [atoms[0], atoms[-1]])
    return Verdict(floors.judge_floor(table), f"atoms, held-out BSDS500, {said}")
