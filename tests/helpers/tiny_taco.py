"""A TACO of a few thousand random weights."""

from smicnb.learned.networks.taco import Taco, TacoConfig

TINY = TacoConfig(
    width=16,
    latent=12,
    hyper=8,
    hyper_widths=(8, 8),
    groups=(2, 4, 6),
    context_widths=(6, 6),
    encoder="lite0-minilm",
    text_width=384,
    token_width=16,
)


def random_taco(config: TacoConfig, seed: int = 0) -> Taco:
    """With a latent that is not all zeros, which an untrained analysis would give."""
    import torch

    torch.manual_seed(seed)
    network = Taco(config)
    with torch.no_grad():
        network.g_a.coarse[0].weight.mul_(5)
        network.g_a.coarse[0].bias.normal_()
        for parameters in (*network.context.anchors, *network.context.others):
            parameters[-1].bias[: len(parameters[-1].bias) // 2] += 3  # scales about those of the latent
        for name, parameter in network.named_parameters():
            if name.endswith("gamma"):
                parameter.normal_()
    return network
