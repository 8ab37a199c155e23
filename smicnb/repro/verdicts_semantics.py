"""Verdicts on dictionaries, linearity and separation: SMIC's notebooks 01 to 04."""

from smicnb.codec.smic_paper import LATENT_NORM
from smicnb.repro.committed import Tables, Verdict, rises


def _cell(cell: str) -> tuple[float, float, float]:
    """Mean and the ends of its interval, of "0.824 [0.814, 0.834]"."""
    mean, low, high = (float(part) for part in cell.replace("[", "").replace("]", "").replace(",", "").split())
    return mean, low, high


def _mean(cell: str) -> float:
    return _cell(cell)[0]


def linearity(tables: Tables) -> Verdict:
    """Eq. 4: whether adding a latent brings its image without losing the other, and removing takes it alone."""
    table = tables("bsds500/linearity_wins")
    parts, outcomes = [], []
    for operation, rows in table.groupby("operation"):
        moved, specific = ((rows[name] == "concept ahead").sum() for name in ("verdict", "specific_verdict"))
        low, high = 100 * rows["wins"].min(), 100 * rows["wins"].max()
        what = "both images are there" if operation == "add" else "x₂ is lost more than x₁"
        parts.append(
            f"{operation}: the picture follows x₂ at {moved} of {len(rows)} weights ({low:.0f} to {high:.0f} % of "
            f"pairs), {what} at {specific}"
        )
        outcomes.append(specific / len(rows))
    outcome = "agrees" if min(outcomes) == 1 else "partly" if max(outcomes) > 0 else "differs"
    return Verdict(outcome, f"against a random latent of equal norm, {'; '.join(parts)}")


def linearity_progressive(tables: Tables) -> Verdict:
    """Whether the lead over a random latent grows with the weight."""
    table = tables("bsds500/linearity_wins").sort_values("factor")
    parts, all_rise = [], []
    for operation, rows in table.groupby("operation"):
        steps, ends = len(rows) - 1, rows["gain"].iloc[[0, -1]]
        all_rise.append(rises(rows["gain"]) == steps)
        parts.append(
            f"{operation}: at {rises(rows['gain'])} of {steps} steps, {ends.iloc[0]:.3f} to {ends.iloc[1]:.3f}"
        )
    outcome = "agrees" if all(all_rise) else "partly" if any(all_rise) else "differs"
    return Verdict(outcome, f"the gain over a random latent rises with the weight, {'; '.join(parts)}")


def separation(tables: Tables) -> Verdict:
    """Fig. 10: whether each part holds more of its own, by more than in a random subspace, and nothing else."""
    table = tables("bsds500/separation_verdicts")
    parts, done = [], []
    for statement, rows in table.groupby("statement"):
        learned, random = (rows[rows["by"] == by].iloc[0] for by in ("learned atoms", "random subspace"))
        done.append(learned["verdict"] == "holds" and learned["low"] > random["high"])
        cells = [f"{row['difference']:+.3f} [{row['low']:.3f}, {row['high']:.3f}]" for row in (learned, random)]
        parts.append(f"{statement}: {learned['verdict']} ({cells[0]}), in a random subspace {cells[1]}")
    scores = tables("bsds500/separation_scores")
    left = scores[(scores["part"] == "residual") & (scores["words"] == "inside")].iloc[0]
    chance = f"{left['rank']:.2f}, other images' words at {left['shuffled']:.2f}"
    parts.append(f"yet the residual ranks what is inside at {chance}")
    only = left["low"] <= left["shuffled"]
    outcome = "agrees" if all(done) and only else "partly" if any(done) else "undecided"
    if ((table["by"] == "learned atoms") & (table["verdict"] == "reversed")).any() and not any(done):
        outcome = "differs"
    return Verdict(outcome, f"differences of ranks, {'; '.join(parts)}")


def atoms_have_names(tables: Tables) -> Verdict:
    """How close the nearest word is to an atom."""
    cosines = tables("bsds500/atoms_by_word")["cosine_of_first_word"]
    low, middle, high = cosines.min(), cosines.median(), cosines.max()
    sentence = f"cosine of an atom and its nearest word: {middle:.2f} at the median of {len(cosines)} atoms"
    return Verdict("measured", f"{sentence}, from {low:.2f} to {high:.2f}")


def coefficient_sum(tables: Tables) -> Verdict:
    """The sum of an image's coefficients beside the norm of latents."""
    codes = tables("fig06_learning").drop(columns="scene")
    sums = codes.sum(axis=1)
    low, high = sums.quantile(0.05), sums.quantile(0.95)
    outcome = "partly" if low <= LATENT_NORM <= high else "differs"
    sentence = f"the sum is {sums.mean():.1f} on average, {low:.1f} to {high:.1f} in nine of ten images"
    return Verdict(outcome, f"{sentence}; that of magnitudes is {codes.abs().sum(axis=1).mean():.1f}")


def decomposition(tables: Tables) -> Verdict:
    """How the coefficients of the shown image spread over atoms."""
    shown = tables("fig09_decomposition")
    first = shown.iloc[shown["share"].argmax()]
    sentence = f"one atom ('{first['words']}') holds {100 * first['share']:.0f} % of the image's coefficients"
    return Verdict("measured", f"{sentence}, the next {100 * shown['share'].nlargest(2).iloc[1]:.0f} %")


def fidelity_grows(tables: Tables) -> Verdict:
    """Table I: whether the cosines rise with the number of atoms, as the printed CC does."""
    table = tables("bsds500/table1")
    atoms = table[table["n_a"].str.isdigit()]
    published = atoms["CC as published"].astype(float)
    latent, image = (atoms[f"{name}, held-out"].map(_mean) for name in ("latent cosine", "image cosine (CC)"))
    steps = len(atoms) - 1
    rising = [rises(values) for values in (published, latent, image)]
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


def learned_atoms(tables: Tables) -> Verdict:
    """Learned atoms against each rival on held-out images, by the latent cosine."""
    table = tables("bsds500/atoms_against_baselines")
    held = table[(table["split"] == "heldout") & (table["metric"] == "latent_cosine")]
    parts = []
    for rival, label in (("exemplars", "random photographs as atoms"), ("pca", "PCA")):
        counts = held.loc[held["against"] == rival, "verdict"].value_counts()
        words = ", ".join(f"{name.removeprefix('learned ')} at {counts[name]}" for name in sorted(counts.index))
        parts.append(f"against {label}: {words} of {counts.sum()} sizes")
    return Verdict("measured", "learned atoms on held-out images, " + "; ".join(parts))


def dictionary_beside_none(tables: Tables) -> Verdict:
    """Table I: the largest dictionary beside the latent itself."""
    table = tables("bsds500/table1")
    none, largest = table[~table["n_a"].str.isdigit()].iloc[0], table[table["n_a"].str.isdigit()].iloc[-1]
    published = [float(row["CC as published"]) for row in (none, largest)]
    ours = [_cell(row["image cosine (CC), held-out"]) for row in (none, largest)]
    overlap = ours[0][1] <= ours[1][2] and ours[1][1] <= ours[0][2]
    outcome = "undecided" if overlap else "agrees" if ours[1] > ours[0] else "differs"
    parts = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in ours]
    sentence = f"here {parts[1]} with {largest['n_a']} atoms and {parts[0]} without a dictionary"
    return Verdict(outcome, f"{sentence}; CC as published {published[1]:.3f} and {published[0]:.3f}")
