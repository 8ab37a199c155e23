"""A small set of unit-norm atoms, and every latent as a sparse weighted sum of them; and PCA, which it has to beat."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.decomposition import PCA
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from smicnb.base.errors import DimensionError, format_value
from smicnb.base.names import lookup
from smicnb.codec.coders.sparse import lasso_path

UNCERTAIN = 1e-6  # share of the penalty by which the length of a residual at the optimum may be off
NEGLIGIBLE = 1e-12  # of the largest norm: a shorter row has no direction that could be trusted


def sparse_codes(latents: np.ndarray, atoms: np.ndarray, penalty: float) -> np.ndarray:
    """Coefficients c that minimise ½‖z − Tc‖² + penalty·‖c‖₁ for each latent z: `lasso_path` at one λ.

    Args:
        latents: (n, L), in any scale; `penalty` is on the same scale.
        atoms: (n_atoms, L), one per row; they need not have unit norm (quantised atoms do not).
        penalty: λ of Eq. 8, positive.

    Returns:
        (n, n_atoms) float64.

    Source: Bachard and Maugey, Semantic Multi-Item Compression, Eq. 8.
    """
    return lasso_path(latents, atoms, [penalty])[:, 0]


def debiased_codes(latents: np.ndarray, atoms: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Codes (n, n_atoms) of least ‖z − Tc‖² among those that are null where `codes` are.

    The penalty of Eq. 8 chooses atoms and shortens their coefficients; what shortens them is taken back here.

    Args:
        latents: (n, L).
        atoms: (n_atoms, L), one per row.
        codes: (n, n_atoms), of `sparse_codes` as a rule.

    Source: Efron, Hastie, Johnstone and Tibshirani, Least angle regression, 2004, Sec. 7 (least squares on what the
    lasso has chosen); where the chosen atoms depend on one another, the shortest such code.
    """
    found = np.zeros_like(codes, dtype=np.float64)
    for row, (latent, used) in enumerate(zip(np.asarray(latents, np.float64), codes != 0, strict=True)):
        found[row, used] = np.linalg.lstsq(atoms[used].T, latent, rcond=None)[0]
    return found


def mean_objective(latents: np.ndarray, atoms: np.ndarray, codes: np.ndarray, penalty: float) -> float:
    """Mean over the latents of ½‖z − Tc‖² + penalty·‖c‖₁ (Eq. 8); latents (n, L), codes (n, n_atoms)."""
    squared = np.square(latents - codes @ atoms).sum(axis=1)
    return float(np.mean(squared / 2 + penalty * np.abs(codes).sum(axis=1)))


class SemanticDictionary(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A semantic dictionary of latents, learned or drawn, and the sparse codes of latents in it.

    Learning alternates between the codes of all latents (Eq. 8) and one pass of block coordinate
    descent over the unit-norm atoms; it starts from a k-means++ choice of latents. An atom that no
    code uses is replaced by the direction that the worst represented latent still lacks. The
    problem is not convex: the result is a local minimum that depends on `random_state`.

    Args:
        n_atoms: number of atoms. Learning accepts more atoms than latents, as scikit-learn's
            `DictionaryLearning` does: what the latents cannot supply are random unit directions.
            Exemplars must be no more than the non-zero latents.
        penalty: λ of Eq. 7 and 8, positive, on the scale of the latents (the paper's have norm 20).
        kind: "learned", or "exemplars": latents of the collection drawn at random, normalised.
        max_iter: largest number of rounds of learning; `n_iter_` equal to it means that it was reached.
        tol: learning ends when a round lowers the objective by less than this share of it.
        random_state: seed, generator or None, in scikit-learn's sense.

    Attributes:
        atoms_: (n_atoms, L) float64, unit norm, the most used (largest Σ|c| over the fitted latents)
            first. The sign of a learned atom makes the sum of its coefficients non-negative; an
            exemplar keeps its own. (Where atoms depend on one another codes are not unique, and
            those that `transform` finds may be ordered otherwise.)
        objective_: mean of Eq. 8 over the fitted latents.
        n_iter_: rounds of learning; 1 for exemplars.
        n_features_in_: L.

    Source: Bachard and Maugey, Semantic Multi-Item Compression, Sec. IV; the update of the atoms is
    that of Mairal et al., Online dictionary learning for sparse coding, 2009, algorithm 2.
    """

    def __init__(self, n_atoms=128, penalty=0.2, kind="learned", max_iter=300, tol=1e-4, random_state=None):
        self.n_atoms = n_atoms
        self.penalty = penalty
        self.kind = kind
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, Z, y=None) -> Self:
        """Find the atoms of latents Z (n, L).

        Raises:
            ValueError: a parameter out of its range, or Z with missing or infinite values.
            UnknownNameError: a `kind` that does not exist.
            DimensionError: more exemplars asked for than there are non-zero latents.
        """
        find_atoms = lookup("kind of dictionary", self.kind, {"learned": _learn, "exemplars": _draw})
        self._check_parameters()
        Z = validate_data(self, Z, dtype=np.float64)
        atoms, self.n_iter_ = find_atoms(Z, self, check_random_state(self.random_state))
        codes = sparse_codes(Z, atoms, self.penalty)
        order = np.argsort(-np.abs(codes).sum(axis=0), kind="stable")
        flip = np.where((codes.sum(axis=0) < 0) & (self.kind == "learned"), -1.0, 1.0)
        self.atoms_ = (flip[:, None] * atoms)[order]
        self.objective_ = mean_objective(Z, atoms, codes, self.penalty)
        return self

    def transform(self, Z) -> np.ndarray:
        """Codes (n, n_atoms) of latents Z (n, L): Eq. 8, exact.

        They equal those of scikit-learn's `Lasso(alpha=penalty / L, fit_intercept=False, tol=1e-12)`.
        """
        return sparse_codes(self._latents(Z), self.atoms_, self.penalty)

    def inverse_transform(self, C) -> np.ndarray:
        """Latents (n, L) of codes C (n, n_atoms): weighted sums of the atoms, not renormalised."""
        check_is_fitted(self)
        C = check_array(C, dtype=np.float64)
        if C.shape[1] != len(self.atoms_):
            raise DimensionError(f"codes of {C.shape[1]} coefficients", f"{len(self.atoms_)}, one for each atom")
        return C @ self.atoms_

    def residual(self, Z):
        """What the atoms leave of latents Z (n, L): z − ẑ, (n, L)."""
        Z = self._latents(Z)
        return Z - self.inverse_transform(self.transform(Z))

    def objective(self, Z):
        """Mean over latents Z (n, L) of ½‖z − Tc‖² + penalty·‖c‖₁, in squared units of the latents."""
        Z = self._latents(Z)
        return mean_objective(Z, self.atoms_, self.transform(Z), self.penalty)

    @property
    def _n_features_out(self):
        return len(self.atoms_)

    def _latents(self, Z):
        check_is_fitted(self)
        return validate_data(self, Z, dtype=np.float64, reset=False)

    def _check_parameters(self):
        for name in ("n_atoms", "max_iter"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={format_value(value)}; needed: a whole number of at least 1")
        if not isinstance(self.penalty, Real) or not 0 < self.penalty < np.inf:
            raise ValueError(f"penalty={format_value(self.penalty)}; needed: a positive number")
        if not isinstance(self.tol, Real) or not self.tol >= 0:
            raise ValueError(f"tol={format_value(self.tol)}; needed: a number of at least 0")


class DebiasedDictionary(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The atoms of a fitted dictionary, or of one fitted here, with debiased codes: chosen by Eq. 8, of least squared
    error (`debiased_codes`).
    """

    def __init__(self, dictionary: SemanticDictionary):
        self.dictionary = dictionary

    def fit(self, Z, y=None) -> Self:
        """Fit the dictionary to latents Z (n, L) where it is not fitted yet."""
        if not hasattr(self.dictionary, "atoms_"):
            self.dictionary.fit(Z)
        return self

    def transform(self, Z) -> np.ndarray:
        """Codes (n, n_atoms) of latents Z (n, L)."""
        return debiased_codes(Z, self.dictionary.atoms_, self.dictionary.transform(Z))

    def inverse_transform(self, C) -> np.ndarray:
        """Latents (n, L) of codes C (n, n_atoms)."""
        return self.dictionary.inverse_transform(C)

    @property
    def _n_features_out(self):
        return len(self.dictionary.atoms_)


def _directions(Z: np.ndarray) -> np.ndarray:
    """The rows of Z that have a direction, at unit norm."""
    norms = np.linalg.norm(Z, axis=1)
    kept = norms > NEGLIGIBLE * norms.max()
    return Z[kept] / norms[kept, None]


def _draw(Z: np.ndarray, model: SemanticDictionary, rng: np.random.RandomState) -> tuple[np.ndarray, int]:
    directions = _directions(Z)
    if model.n_atoms > len(directions):
        raise DimensionError(
            f"n_samples={len(Z)}, of which {len(directions)} are not zero",
            f"at least n_atoms={model.n_atoms} non-zero latents to draw exemplars from",
        )
    return directions[rng.choice(len(directions), model.n_atoms, replace=False)], 1


def _learn(Z: np.ndarray, model: SemanticDictionary, rng: np.random.RandomState) -> tuple[np.ndarray, int]:
    atoms = start_atoms(Z, model.n_atoms, rng)
    before = np.inf
    for n_iter in range(1, model.max_iter + 1):
        codes = sparse_codes(Z, atoms, model.penalty)
        objective = mean_objective(Z, atoms, codes, model.penalty)
        settled = before - objective <= model.tol * objective
        before = objective
        if not reseed(Z, atoms, codes, model.penalty) and settled:
            return atoms, n_iter
        _update(Z, atoms, codes)
    return atoms, model.max_iter


def start_atoms(Z: np.ndarray, n_atoms: int, rng: np.random.RandomState) -> np.ndarray:
    """Latents far from one another, then random directions for what they cannot supply."""
    directions = _directions(Z)
    chosen = min(n_atoms, len(directions))
    atoms = rng.standard_normal((n_atoms, Z.shape[1]))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    if chosen:
        atoms[:chosen] = kmeans_plusplus(directions, chosen, random_state=rng)[0]
    return atoms


def reseed(Z: np.ndarray, atoms: np.ndarray, codes: np.ndarray, penalty: float) -> int:
    """Point unused atoms at the largest residuals, in place; returns how many were replaced.

    A latent has a use for a new atom only where its residual at the optimum is longer than the penalty.
    """
    unused = np.flatnonzero(~codes.any(axis=0))
    if not len(unused):
        return 0
    residual = Z - codes @ atoms
    norms = np.linalg.norm(residual, axis=1)
    worst = np.argsort(-norms, kind="stable")[: len(unused)]
    worst = worst[norms[worst] > (1 + UNCERTAIN) * penalty]
    atoms[unused[: len(worst)]] = residual[worst] / norms[worst, None]
    return len(worst)


def _update(Z: np.ndarray, atoms: np.ndarray, codes: np.ndarray) -> None:
    """Move each used atom, in place, to the unit vector that is best with all else held fixed."""
    gram, target = codes.T @ codes, codes.T @ Z
    for j in np.flatnonzero(np.diag(gram)):
        direction = target[j] - gram[j] @ atoms + gram[j, j] * atoms[j]
        norm = np.linalg.norm(direction)
        if norm > NEGLIGIBLE * gram[j, j]:
            atoms[j] = direction / norm


class PCABaseline(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components of latents, where the mean counts as one of the transmitted vectors.

    Args:
        n_atoms: vectors that a decoder would need, at least 2: the mean and n_atoms − 1 components.
            Each latent has n_atoms − 1 coefficients, none of them null as a rule.

    Attributes:
        pca_: the fitted scikit-learn `PCA`.
        n_features_in_: L.
    """

    def __init__(self, n_atoms=128):
        self.n_atoms = n_atoms

    def fit(self, Z, y=None) -> Self:
        """Find mean and components of latents Z (n, L).

        Raises:
            ValueError: fewer than 2 vectors asked for, or Z with missing or infinite values.
            DimensionError: more vectors asked for than n centred latents of L dimensions can have.
        """
        if self.n_atoms < 2:
            raise ValueError(f"n_atoms={format_value(self.n_atoms)}; needed: at least 2, the mean and one component")
        Z = validate_data(self, Z, dtype=np.float64)
        most = min(len(Z), Z.shape[1] + 1)
        if self.n_atoms > most:
            raise DimensionError(
                f"n_samples={len(Z)} latents of {Z.shape[1]} dimensions, for n_atoms={self.n_atoms}",
                f"at most {most}: the mean and {most - 1} components",
            )
        self.pca_ = PCA(n_components=self.n_atoms - 1, svd_solver="full").fit(Z)
        return self

    def transform(self, Z) -> np.ndarray:
        """Coefficients (n, n_atoms − 1) of latents Z (n, L)."""
        check_is_fitted(self)
        return self.pca_.transform(validate_data(self, Z, dtype=np.float64, reset=False))

    def inverse_transform(self, C) -> np.ndarray:
        """Latents (n, L) of coefficients C (n, n_atoms − 1)."""
        check_is_fitted(self)
        return self.pca_.inverse_transform(C)

    @property
    def _n_features_out(self):
        return self.pca_.n_components_
