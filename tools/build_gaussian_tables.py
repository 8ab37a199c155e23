"""Make the two files of smicnb/learned/files/data that hold the frequencies of the learned codecs' Gaussians.

They were made once and are kept: a table made anew may differ in its last digit, and files could not be read.
"""

import numpy as np
from safetensors.numpy import save
from scipy.stats import norm

from smicnb.base.files import write_bytes
from smicnb.learned.files import shifted
from smicnb.learned.files.coding import GRID, Tables, scale_table
from smicnb.learned.files.shipped import folder
from smicnb.learned.networks.entropy_models import TAIL, GaussianConditional
from smicnb.learned.networks.frequencies import cumulate

STEP = 1 / 7  # of a scale, the most that two fractions of it are apart: what is lost then is a thousandth of a bit


def main() -> None:
    """Write the tables, the rows one after another without their padding."""
    model = GaussianConditional(scale_table().tolist())
    model.update()
    _write("gaussian_tables.safetensors", Tables.from_model(model), {})
    _write(shifted.FILE, *shifted_tables())


def shifted_tables() -> tuple[Tables, dict[str, np.ndarray]]:
    """One row for each scale and fraction of `shifted`, and how they are chosen."""
    scales = scale_table()
    fineness = np.clip(2 ** np.ceil(np.log2(1 / (STEP * scales))), 1, GRID).astype(np.int64)
    counts = fineness // 2 + 1
    rows = [(scale, step / fine) for scale, fine in zip(scales, fineness, strict=True) for step in range(fine // 2 + 1)]
    reach = [int(np.ceil(norm.isf(TAIL / 2) * scale + 0.5)) for scale, _ in rows]
    cdfs = np.zeros((len(rows), 2 * max(reach) + 3), np.int32)
    for cdf, (scale, fraction), side in zip(cdfs, rows, reach, strict=True):
        edges = norm.cdf(np.arange(-side, side + 2) - 0.5, loc=fraction, scale=scale)
        cdf[: 2 * side + 3] = cumulate(np.append(np.diff(edges), edges[0] + 1 - edges[-1]))
    sides = np.array(reach, np.int32)
    tables = Tables(cdfs, 2 * sides + 3, -sides)
    between = np.sqrt(scales[1:] * scales[:-1])
    return tables, {"edges": between, "first": np.cumsum(counts) - counts, "fineness": fineness}


def _write(name: str, tables: Tables, more: dict[str, np.ndarray]) -> None:
    rows = np.concatenate([row[:size] for row, size in zip(tables.cdfs, tables.sizes, strict=True)])
    stored = {"cdfs": rows.astype(np.int32), "sizes": tables.sizes, "offsets": tables.offsets, **more}
    write_bytes(folder() / name, save(stored))


if __name__ == "__main__":
    main()
