#!/usr/bin/env bash
# ground: metrics
# guess: 5
# expects: torchmetrics' SSIM is the paper's: 11×11 Gaussian windows that lie in the picture
# happens: it averages over windows across the borders too, filled by reflection; scikit-image, with Gaussian weights
#   and population covariance, is the paper's
# packages: torch==2.13.0 torchmetrics==1.9.0 scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
# seen: paper 0.8428, scikit-image 0.8428, torchmetrics 0.8288
# matters: at the sizes of reduced pictures the two differ in the second digit; SSIM of one library is not to be set
#   beside the other's
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import skimage
import torch
import torchmetrics
from scipy.ndimage import zoom
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

random = np.random.default_rng(0)
picture = zoom(random.random((8, 8)), 8, order=3).clip(0, 1)
noisy = (picture + 0.05 * random.normal(size=picture.shape)).clip(0, 1)


def of_the_paper(x, y):
    """Wang et al., 2004, and their programme: 11×11 Gaussian windows, σ = 1.5, only where they lie in the picture."""
    bell = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(bell, bell) / bell.sum() ** 2
    mx, my, xx, yy, xy = (convolve2d(values, window, "valid") for values in (x, y, x * x, y * y, x * y))
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return (ssim / ((mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2))).mean()


paper = of_the_paper(picture, noisy)
options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
scikit = structural_similarity(picture, noisy, data_range=1, **options)
tensors = (torch.from_numpy(values)[None, None] for values in (noisy, picture))
theirs = float(structural_similarity_index_measure(*tensors, data_range=1.0))
print(f"torchmetrics {torchmetrics.__version__}, scikit-image {skimage.__version__}: SSIM of a 64×64 picture")
print(f"paper {paper:.4f}, scikit-image {scikit:.4f}, torchmetrics {theirs:.4f}")
held = abs(scikit - paper) < 1e-5 < 1e-3 < abs(theirs - paper)
sys.exit(None if held else "changed: torchmetrics leaves the borders out")
END
