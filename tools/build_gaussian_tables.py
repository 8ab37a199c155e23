"""Make smicnb/learned/data/gaussian_tables.safetensors: the frequencies of the learned codecs' Gaussians.

They were made once and are kept: a table made anew may differ in its last digit, and files could not be read.
"""

import numpy as np
from safetensors.numpy import save

from smicnb.base.files import write_bytes
from smicnb.learned.coding import Tables, scale_table
from smicnb.learned.compressai_parts import GaussianConditional
from smicnb.learned.shipped import folder


def main() -> None:
    """Write the tables, the rows one after another without their padding."""
    model = GaussianConditional(scale_table().tolist())
    model.update()
    tables = Tables.of(model)
    rows = np.concatenate([row[:size] for row, size in zip(tables.cdfs, tables.sizes, strict=True)])
    stored = {"cdfs": rows.astype(np.int32), "sizes": tables.sizes, "offsets": tables.offsets}
    write_bytes(folder() / "gaussian_tables.safetensors", save(stored))


if __name__ == "__main__":
    main()
