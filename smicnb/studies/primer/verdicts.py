"""Verdicts on the primer: notebook 00."""

import pandas as pd

from smicnb.studies.committed import Verdict, verdict


@verdict("00_transform_coding_primer/fig1_2_pipeline")
def pipeline(block: pd.DataFrame) -> Verdict:
    """Fig. 1.2: one block of 8×8 pixels through the transform code."""
    kept = int((block["quantised"] != 0).sum())
    error = (block["decoded_luma"] - block["luma"]).abs().max()
    return Verdict(
        "measured", f"{kept} of {len(block)} coefficients of a block stay, luma is off by {error:.0f} at most"
    )


@verdict("00_transform_coding_primer/fig1_2_rate_distortion")
def estimate_and_file(table: pd.DataFrame) -> Verdict:
    """The transform code of Eq. 1.1 and 1.2 beside files of the same qualities."""
    ours = table[table["rate"] == "estimate"].set_index("quality")
    files = table[table["codec"] == "Pillow 4:4:4, fitted Huffman tables"].set_index("quality")
    decibels = (ours["psnr"] - files["psnr"]).abs().max()
    ratio = files["bits_per_pixel"] / ours["bits_per_pixel"]
    sentence = f"PSNR within {decibels:.2f} dB of Pillow's files at {len(ours)} qualities"
    return Verdict(
        "measured", f"{sentence}, whose lengths are {ratio.min():.2f} to {ratio.max():.2f} times the entropy"
    )


@verdict("00_transform_coding_primer/fig1_1_samples")
def jpeg_sample(steps: pd.DataFrame) -> Verdict:
    """Fig. 1.1: how samples of three models of JPEG's coefficients differ from a photograph."""
    luma = steps[steps["component"] == "Y"].set_index("picture")["dc_step"]
    photograph = luma["the photograph at quality 50"]
    others = luma.drop("the photograph at quality 50") / photograph
    parts = ", ".join(f"{ratio:.1f} ({name})" for name, ratio in others.items())
    return Verdict(
        "measured", f"neighbouring blocks of a sample differ in luma by this much more than the photo's: {parts}"
    )
