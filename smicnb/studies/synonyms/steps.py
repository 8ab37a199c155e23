"""What the theory of synonymous variational inference states, step by step, beside both sides' exact values.

All in bits, logarithms to base 2. Source: Liang et al., ICML 2025: Sec. 2.3, Appendices A and B.1.
"""

import numpy as np
import pandas as pd

from smicnb.base.errors import DimensionError
from smicnb.studies.synonyms.sources import (
    Codec,
    Source,
    distributions,
    down_semantic_information,
    entropy,
    mutual_information,
    relative_entropy,
)

EXACT, BOUND, CONDITION, FALSE = "exactly", "as inequality", "only under the condition", "no"
EQUAL = 1e-9  # bits

# Step: (equation, left, relation as printed, right, how it holds, condition of equality).
STEPS = {
    "synset": ("Eq. 40", "H_s(X), by members", "=", "entropy of the synset", EXACT, "none"),
    "semantic": ("Sec. 2.3", "H_s(X)", "≤", "H(X)", BOUND, "one probable member in each synset"),
    "rate": ("Eq. 41a, 43a", "E[−log p(y_s)]", "=", "H(y_s)", CONDITION, "a true prior; else left > right"),
    "decoder": ("Eq. 41b, 43b", "H(y_s)", "=", "H_s(X̂)", CONDITION, "y_s and reconstructed synset are one to one"),
    "encoder": (
        *("Eq. 41c, 43c", "H_s(X̂)", "=", "H_s(X̂) − H_s(X̂|X)", CONDITION),
        "x determines the reconstructed synset; else left > right",
    ),
    "ideal": (
        *("Eq. 41d", "I(X; X̂ synset)", "=", "H_s(X)", CONDITION),
        "reconstructed and ideal synset are one to one, and x determines them",
    ),
    "chain": ("Eq. 43d", "H_s(X̂) − H_s(X̂|X)", "=", "H(X) + H_s(X̂) − H_s(X, X̂)", EXACT, "none"),
    "scaling": (
        *("Eq. 43e", "H(X) + H_s(X̂) − H_s(X, X̂)", "≥", "I_s", BOUND),
        "one probable member in each ideal synset, and one x̂ for each x and reconstructed synset",
    ),
    "whole": ("Eq. 43", "E[−log p(y_s)]", "≥", "I_s", BOUND, "all of Eq. 43"),
    "converse": (
        *("Theorem 3.3 (not printed)", "E[−log p(y_s)]", "≥", "I(X; X̂)", BOUND),
        "a true prior, and a y_s that x determines and x̂ tells; so no codec of synsets is below R(D, P)",
    ),
    "single": (
        *("A.2", "I(X; X̂ synset)", "≤", "I(X; X̂)", BOUND),
        "given its synset, x̂ does not depend on x: any details that are sampled; not one sample alone, as printed",
    ),
    "nonnegative": (
        *("Eq. 42", "I_s", "≥", "0, as for a rate", FALSE),
        "I_s ≤ I(X; X̂), and far below where synsets are large",
    ),
    "least": (
        *("Eq. 42", "I_s", "=", "H_s(X), least rate at semantic distortion 0", FALSE),
        "one probable member in each ideal synset and one x̂ for it; the converse of lossless coding gives H_s",
    ),
}


def steps(codec: Codec) -> pd.DataFrame:
    """Eq. 40 to 43 and the inequalities beside them, for one codec.

    X is the source with its ideal synsets, X̂ the reconstruction with its own; y_s what is coded.

    Returns:
        step, equation, left, relation (as printed), right, holds (one of `EXACT`, `BOUND`, `CONDITION`, `FALSE`: in
        general), condition (that makes both sides equal), left_bits, right_bits, met: whether the printed relation
        holds here. The right side of `least` is NaN, and it is not met, for a codec that loses synsets.
    """
    values = _values(codec)
    rows = []
    for step, (equation, left, relation, right, holds, condition) in STEPS.items():
        left_bits, right_bits = values[step]
        rows.append((step, equation, left, relation, right, holds, condition, left_bits, right_bits))
    names = ["step", "equation", "left", "relation", "right", "holds", "condition", "left_bits", "right_bits"]
    table = pd.DataFrame(rows, columns=names)
    excess = table["left_bits"] - table["right_bits"]
    relations = {"=": excess.abs() < EQUAL, "≥": excess > -EQUAL, "≤": excess < EQUAL}
    table["met"] = np.select([table["relation"] == sign for sign in relations], list(relations.values()))
    return table.astype({"met": bool})


def codecs(source: Source) -> dict[str, Codec]:
    """Codecs of a source by name, of which each but the first breaks a condition of Eq. 41 or 43."""
    n, synsets = len(source.synsets), source.synsets.max() + 1
    alone = source.merge(np.arange(n))
    noisy = 0.9 * source.members + 0.1 / synsets
    return {
        "ideal": Codec.ideal(source),
        "no synonyms": Codec.ideal(alone),
        "a uniform prior": Codec(source, source.members, source.conditionals, np.full(synsets, 1 / synsets)),
        "an encoder that errs": Codec(source, noisy, source.conditionals),
        "details coded too": Codec(source, np.eye(n), np.eye(n)),
    }


def steps_table(source: Source) -> pd.DataFrame:
    """`steps` of each of `codecs`, with their names in front."""
    found = [steps(codec).assign(codec=name) for name, codec in codecs(source).items()]
    table = pd.concat(found, ignore_index=True)
    return table[["codec", *table.columns.drop("codec")]]


def _values(codec: Codec) -> dict[str, tuple[float, float]]:
    source, reconstructed, joint = codec.source, codec.reconstructed, codec.joint
    p, synset = source.probabilities, source.synset_probabilities[source.synsets]
    by_members = -float((p * np.log2(synset, where=p > 0, out=np.zeros_like(p))).sum())
    mixed = joint @ reconstructed.members  # x and the reconstructed synset
    seen = mutual_information(mixed)
    down = down_semantic_information(joint, source.members, reconstructed.members)
    chained = source.entropy + reconstructed.semantic_entropy - entropy(mixed)
    conditional = float((p * _row_entropies(codec.encoder @ codec.decoder @ reconstructed.members)).sum())
    left_over = reconstructed.semantic_entropy - conditional
    kept = not (joint * (source.synsets[:, None] != reconstructed.synsets)).any()
    return {
        "synset": (by_members, source.semantic_entropy),
        "semantic": (source.semantic_entropy, source.entropy),
        "rate": (codec.rate, entropy(codec.latents)),
        "decoder": (entropy(codec.latents), reconstructed.semantic_entropy),
        "encoder": (reconstructed.semantic_entropy, left_over),
        "ideal": (seen, source.semantic_entropy),
        "chain": (left_over, chained),
        "scaling": (chained, down),
        "whole": (codec.rate, down),
        "converse": (codec.rate, mutual_information(joint)),
        "single": (seen, mutual_information(joint)),
        "nonnegative": (down, 0.0),
        "least": (down, source.semantic_entropy if kept else np.nan),
    }


def _row_entropies(rows: np.ndarray) -> np.ndarray:
    return np.array([entropy(row) for row in rows])


def variational(source: Source, q: np.ndarray, likelihood: np.ndarray, prior: np.ndarray) -> dict[str, float]:
    """Both sides of Eq. 10 and 32 for a toy encoder and a toy generative model; equal by Bayes' theorem.

    Args:
        source: a source of n symbols in N synsets; only positive probabilities.
        q: (n, m, e) q(y_s, y_ε | x), m synonymous and e detailed representations.
        likelihood: (m, N) p(synset | y_s), above 0.
        prior: (m,) p(y_s), above 0.

    Returns:
        In bits: `left`, E D_KL,s[q‖p(y_s | synset)]; the right side's `log_q`, `likelihood`, `rate` and `constant`
        (E log2 p(synset), which is the same for every encoder but moves with decoder and prior) and their sum `right`;
        `synonymous`, the plain KL divergence of the y_s alone, at least 0; `details`, the entropy of y_ε given x and
        y_s. `left` is `synonymous` − `details`: what is minimised bounds −E log2 p(synset) from above only if the
        details' entropy is 0, as it is for the unit noise of the paper, and then it is the plain divergence.
    """
    n, m = len(source.synsets), len(prior)
    q = np.asarray(q, np.float64)
    if q.ndim != 3 or q.shape[:2] != (n, m):
        raise DimensionError(f"found an encoder of shape {q.shape}", f"({n}, {m}, details)")
    distributions(q.reshape(n, -1), (n, q[0].size), "rows of the encoder")
    likelihood = distributions(likelihood, (m, source.synsets.max() + 1), "rows of the likelihood")
    prior = distributions(prior, (m,), "latents")
    joint = source.probabilities[:, None, None] * q  # x, y_s, y_ε
    evidence = prior @ likelihood
    posterior = (prior[:, None] * likelihood / evidence).T[source.synsets]  # (n, m)
    coarse, p = joint.sum(axis=2), source.probabilities
    terms = {
        "log_q": entropy(p) - entropy(joint),
        "likelihood": -float((coarse * np.log2(likelihood.T[source.synsets])).sum()),
        "rate": -float(coarse.sum(axis=0) @ np.log2(prior)),
        "constant": float(p @ np.log2(evidence)[source.synsets]),
    }
    return {
        "left": relative_entropy(joint, p[:, None, None] * posterior[:, :, None] + 0 * joint),
        **terms,
        "right": sum(terms.values()),
        "synonymous": relative_entropy(coarse, p[:, None] * posterior),
        "details": entropy(joint) - entropy(coarse),
    }


def lemma(source: Source, decoder: np.ndarray) -> dict[str, float]:
    """The two sides of Lemma 3.2 and the bounds between, for the encoder of Eq. 20, which codes the synset exactly.

    With x̃ drawn by the decoder, the bound of Eq. 21d is H_s − I(X; x̃): its second term is H(x̃) − H(X), its third and
    fourth H_s − H(x̃), so that no divergence is left in it. Eq. 26 calls the second term a KL divergence.

    Args:
        source: a source of n symbols in N synsets; only positive probabilities.
        decoder: (N, n) p(x̃ | synset).

    Returns:
        In bits: `likelihood` (the left side, Eq. 18), `bound_d` and `bound_e` (Eq. 21), the terms `first` to `fourth`
        of Eq. 21e, `source_constant` (second and third together, Eq. 25; 0 or above, and without the decoder),
        `divergence`: D_KL[p_x‖p_x̃], ∞ where the decoder never gives a symbol.
    """
    codec = Codec(source, source.members, decoder)
    joint, p, x = codec.joint, source.probabilities, codec.reconstructed.probabilities
    with_synset = source.members.T @ joint  # synset and x̃
    posterior = np.divide(with_synset, x, out=np.zeros_like(with_synset), where=x > 0)
    sizes, weights = source.members.sum(axis=0), source.synset_probabilities
    mean_log = (source.members.T @ np.log2(p)) / sizes
    terms = {
        "first": entropy(joint) - entropy(x),
        "second": entropy(x) - source.entropy,
        "third": -float(weights @ mean_log) - entropy(x),
        "fourth": -float(weights @ np.log2(sizes)),
    }
    return {
        "likelihood": abs(float(weights @ np.log2((codec.decoder * posterior).sum(axis=1)))),
        "bound_d": entropy(with_synset) - entropy(x),
        "bound_e": sum(terms.values()),
        **terms,
        "source_constant": terms["second"] + terms["third"],
        "divergence": relative_entropy(p, x),
    }


def decoders(source: Source) -> dict[str, np.ndarray]:
    """Three decoders (N, n) that never leave the synset: draw as the source does, evenly, or the most probable."""
    even = source.members.T / source.members.sum(axis=0)[:, None]
    return {
        "as the source": source.conditionals,
        "evenly": even,
        "most probable": np.eye(len(source.synsets))[source.conditionals.argmax(axis=1)],
    }


def lemma_table(source: Source) -> pd.DataFrame:
    """`lemma`'s numbers, one row for each of `decoders` by its name."""
    found = {name: lemma(source, decoder) for name, decoder in decoders(source).items()}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("decoder").reset_index()
