"""What the tables of notebook 00 come to, in sentences that are made from them."""

from collections.abc import Iterator

import pandas as pd

from smicnb.studies.sentences import join


def tell(curves: pd.DataFrame, likeness: pd.DataFrame) -> Iterator[str]:
    """Samples beside the photograph, estimate beside files, and what tables and chroma are worth.

    Args:
        curves: rows of `transform_coding.rate_distortion`, the estimate first, then Pillow's files: with the tables of
            Annex K, with fitted ones, with chroma reduced.
        likeness: rows of `jpeg_model.statistics`, a picture's rows after those of the photograph.
    """
    first = likeness["picture"].iloc[0]
    luma = likeness[likeness["component"] == "Y"].set_index("picture")["dc_step"]
    times = luma.drop(first) / luma[first]
    parts = join(f"{ratio:.2f} times ({name})" for name, ratio in times.items())
    yield (
        f"The mean luma of neighbouring blocks differs in samples of three models of JPEG by {parts} as much as in "
        f"{first}: {int((times > 1).sum())} of {len(times)} models expect a rougher picture than the photograph."
    )
    quality, bits = (curves.pivot(index="quality", columns="codec", values=name) for name in ("psnr", "bits_per_pixel"))
    estimate, standard, fitted, reduced = curves["codec"].unique()
    ratio, apart = bits[fitted] / bits[estimate], (quality[fitted] - quality[estimate]).abs().max()
    yield (
        f"Files of Pillow with fitted Huffman tables take {ratio.min():.3f} to {ratio.max():.3f} times the bits that "
        f"the entropy of the transform code of Eq. 1.1–1.2 estimates, longer at {int((ratio > 1).sum())} of "
        f"{len(ratio)} qualities, for a PSNR within {apart:.3f} dB."
    )
    saved = 100 * (1 - bits[fitted] / bits[standard])
    yield (
        f"Against the tables of Annex K, fitted Huffman tables change the bits of the same PSNR by "
        f"{-saved.iloc[0]:+.1f} % at quality {saved.index[0]} and by {-saved.iloc[-1]:+.1f} % at quality "
        f"{saved.index[-1]}."
    )
    saved, lost = 100 * (bits[reduced] / bits[fitted] - 1), quality[reduced] - quality[fitted]
    yield (
        f"Chroma at half the resolution (4:2:0) changes bits by {saved.min():+.1f} to {saved.max():+.1f} % and PSNR by "
        f"{lost.min():+.2f} to {lost.max():+.2f} dB against 4:4:4 at the same quality numbers."
    )
    null = likeness[likeness["picture"] == first].set_index("component")["null"]
    parts = join(f"{100 * share:.1f} % of {component}" for component, share in null.items())
    yield f"Of the coefficients of {first}, {parts} are zero."
