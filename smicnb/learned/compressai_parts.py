"""CompressAI's layers, entropy models and rANS coder; what its import says of torch's future is kept quiet here."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from compressai.ans import BufferedRansEncoder, RansDecoder
    from compressai.entropy_models import EntropyBottleneck, GaussianConditional
    from compressai.layers import AttentionBlock
    from compressai.models.sensetime import ResidualBottleneckBlock
    from compressai.models.utils import conv, deconv

__all__ = [
    "AttentionBlock",
    "BufferedRansEncoder",
    "EntropyBottleneck",
    "GaussianConditional",
    "RansDecoder",
    "ResidualBottleneckBlock",
    "conv",
    "deconv",
]
