"""What a semantic dictionary has to beat at the same number of transmitted vectors."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted, validate_data

from smicnb.base.errors import DimensionError, shown


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

    def fit(self, Z, y=None):
        """Find mean and components of latents Z (n, L).

        Raises:
            ValueError: fewer than 2 vectors asked for, or Z with missing or infinite values.
            DimensionError: more vectors asked for than n centred latents of L dimensions can have.
        """
        if self.n_atoms < 2:
            raise ValueError(f"n_atoms={shown(self.n_atoms)}; needed: at least 2, the mean and one component")
        Z = validate_data(self, Z, dtype=np.float64)
        most = min(len(Z), Z.shape[1] + 1)
        if self.n_atoms > most:
            raise DimensionError(
                f"n_samples={len(Z)} latents of {Z.shape[1]} dimensions, for n_atoms={self.n_atoms}",
                f"at most {most}: the mean and {most - 1} components",
            )
        self.pca_ = PCA(n_components=self.n_atoms - 1, svd_solver="full").fit(Z)
        return self

    def transform(self, Z):
        """Coefficients (n, n_atoms − 1) of latents Z (n, L)."""
        check_is_fitted(self)
        return self.pca_.transform(validate_data(self, Z, dtype=np.float64, reset=False))

    def inverse_transform(self, C):
        """Latents (n, L) of coefficients C (n, n_atoms − 1)."""
        check_is_fitted(self)
        return self.pca_.inverse_transform(C)

    @property
    def _n_features_out(self):
        return self.pca_.n_components_
