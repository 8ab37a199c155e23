"""SIC's serial context, walked in wavefronts: what depends on nothing unknown is coded together.

Under the 5×5 mask a place (i, j) of a group sees rows above up to column j + 2 and its own row up to j − 1, so all
places of equal 3i + j know all that they depend on when those of smaller 3i + j are known: h rows of w places take
3(h − 1) + w steps instead of h·w. What earlier groups and the hyper-latent say is worked out beforehand for all
places at once; a step then is the own group's 12 neighbours through three small matrices. All is float64 on the
processor, the same operations on the same shapes in the encoder and in the decoder.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from smicnb.learned.networks.sic import KERNEL, Context

REACH = KERNEL // 2
CAUSAL = REACH * KERNEL + REACH  # places of a group that a place of it sees, in raster order
SLOPE = 0.01  # of torch's leaky rectifier


def wavefronts(height: int, width: int) -> list[np.ndarray]:
    """The places (row · width + column) of each step, in the order of the steps, and of rows within one."""
    rows, columns = np.divmod(np.arange(height * width), width)
    order = np.argsort(3 * rows + columns, kind="stable")
    steps = np.bincount(3 * rows + columns)
    return [wave for wave in np.split(order, np.cumsum(steps)[:-1]) if len(wave)]


class Walk:
    """One network's context model, copied, group by group."""

    def __init__(self, context: Context):
        self._groups = context.groups
        weight, bias = _double(context.masked.weight), _double(context.masked.bias)
        self.parts = []
        start = 0
        for c, network in zip(context.groups, context.parameters_of, strict=True):
            mine = slice(2 * start, 2 * (start + c))
            layers = [(_double(layer.weight)[:, :, 0, 0], _double(layer.bias)) for layer in network[::2]]
            own = weight[mine, start : start + c].flatten(2)[:, :, :CAUSAL]
            # The convolution and the first layer follow one another without a bend: one matrix does both.
            near = layers[0][0][:, 2 * c :] @ own.transpose(1, 2).flatten(1)
            self.parts.append((weight[mine, :start], bias[mine], near.T.numpy(), layers))
            start += c

    def group(
        self,
        number: int,
        known: Tensor,
        hyper: Tensor,
        code: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    ) -> Tensor:
        """ŷ of one group, (1, c, h, w) float64.

        Args:
            number: the group's number.
            known: ŷ of the groups before it, (1, a, h, w) float64; a may be 0.
            hyper: what h_s says of this group, (1, 2c, h, w) float64.
            code: called for each step with its n places and their scales and means, (n, c) each; gives their ŷ.
        """
        earlier, bias, near, layers = self.parts[number]
        (first, first_bias), *rest = layers
        height, width = hyper.shape[-2:]
        c = self._groups[number]
        seen = bias[:, None, None].expand(2 * c, height, width)[None]
        if known.shape[1]:
            seen = functional.conv2d(known, earlier, bias, padding=REACH)
        told = torch.cat([hyper, seen], dim=1).flatten(2)[0].T
        base = (told @ first.T + first_bias).numpy()
        rest = [(matrix.T.numpy(), shift.numpy()) for matrix, shift in rest]
        steps, places, size = _steps(height, width)
        framed = np.zeros((size, c))
        for wave, own, neighbours in steps:
            hidden = base[wave] + framed[neighbours].reshape(len(wave), -1) @ near
            for matrix, shift in rest:
                hidden = np.maximum(hidden, SLOPE * hidden) @ matrix + shift
            framed[own] = code(wave, hidden[:, :c], hidden[:, c:])
        return torch.from_numpy(framed[places].T.reshape(1, c, height, width).copy())


@lru_cache(maxsize=4)
def _steps(height: int, width: int) -> tuple[list[tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray, int]:
    """How a group is walked, in a frame of zeros as the convolution has it: two rows above, two columns at either side.

    Returns:
        For each step its places (n,), these in the frame (n,), and what each sees in the frame (n, 12); all places in
        the frame; and the frame's size.
    """
    rows, columns = np.divmod(np.arange(height * width), width)
    places = (rows + REACH) * (width + 2 * REACH) + columns + REACH
    down, across = np.divmod(np.arange(CAUSAL), KERNEL)
    neighbours = places[:, None] + (down - REACH) * (width + 2 * REACH) + across - REACH
    steps = [(wave, places[wave], neighbours[wave]) for wave in wavefronts(height, width)]
    return steps, places, (height + REACH) * (width + 2 * REACH)


def _double(parameter: Tensor) -> Tensor:
    return parameter.detach().double().cpu()
