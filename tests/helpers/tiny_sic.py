"""A SIC of a few thousand random weights."""

from smicnb.learned.networks.sic import Sic, SicConfig

TINY = SicConfig(
    dims=(8, 8, 16, 12), depths=(1, 1, 1, 2), heads=2, window=2, groups=(3,) * 4, hyper=4, hyper_widths=(6, 6)
)
GAIN = 2.0  # of y, which the last norm of g_a would otherwise bring to a spread of 1


def random_sic(config: SicConfig, seed: int = 0) -> Sic:
    """With a latent that is not all zeros, expected by and large where it is, and a context that matters."""
    import torch

    torch.manual_seed(seed)
    network = Sic(config)
    with torch.no_grad():
        network.g_a.norm.weight.fill_(GAIN)
        network.h_a[-1].weight.mul_(10)
        network.h_a[-1].bias.normal_(0, 3)
        network.context.h_s[-1].bias.normal_()
        network.context.masked.weight.mul_(3)
        for layers in network.context.parameters_of:
            layers[-1].bias[: len(layers[-1].bias) // 2] += GAIN
    return network
