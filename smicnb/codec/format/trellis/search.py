"""The cheapest path through the trellis code for the latents of a block (Viterbi's algorithm): the compiled part.

A state is asked for the two ways into it, not for those out of it: no branch is left in the loop over states, and it
runs on vectors. An edge is a state and a turn, 2 · state + turn; with two codebooks its last two bits say which
branch of which codebook it takes.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def search(targets, weights, price, classes, first, branch, levels, bits, following, symbols, states):
    """Minimise Σ weight · (target − level)² + price · bits over all paths that begin in state 0.

    Args:
        targets: (T,) float64, what is to be coded, each in units of its own standard deviation.
        weights: (T,) float64, variances: what a squared error of a target costs.
        price: price of a bit, at the scale of the weights.
        classes: (T,) int64, which code each is coded with, an index into the next two.
        first: (C,) int64, where the levels of a code begin.
        branch: (C,) int64, levels on either branch of either codebook; state s uses codebook s mod 2.
        levels, bits: flat float64: value, and bits, of each level; by code, codebook, branch, level.
        following: (S, 2) int64, the state after each branch; every state follows twice.
        symbols: (T,) int64, filled in: branch · levels of a branch + level.
        states: (T,) int64, filled in: the state in which each symbol was coded.

    Returns:
        The cost of the path. Of two that cost the same, that of the lower state is taken.
    """
    n_states, steps = len(following), len(targets)
    ways, seen = np.empty((2, n_states), np.int64), np.zeros(n_states, np.int64)
    for edge in range(2 * n_states):
        after = following[edge >> 1, edge & 1]
        ways[seen[after], after] = edge
        seen[after] += 1
    one_way, other_way = ways[0], ways[1]
    taken = np.empty((steps, n_states), np.uint8)  # whether the other way into each state is cheaper
    which = np.empty((steps, 4), np.uint8)
    pairs = (n_states + 1) // 2
    cheapest, sums = np.empty(4), np.empty(4 * pairs)
    costs = np.full(2 * pairs, np.inf)
    costs[0] = 0.0
    for t in range(steps):
        code = classes[t]
        width, place = branch[code], first[code]
        for kind in range(4):
            best, at = np.inf, 0
            for level in range(width):
                error = targets[t] - levels[place + level]
                cost = weights[t] * error * error + price * bits[place + level]
                if cost < best:
                    best, at = cost, level
            place += width
            cheapest[kind], which[t, kind] = best, at
        first_even, second_even, first_odd, second_odd = cheapest[0], cheapest[1], cheapest[2], cheapest[3]
        for pair in range(pairs):
            even, odd = costs[2 * pair], costs[2 * pair + 1]
            sums[4 * pair], sums[4 * pair + 1] = even + first_even, even + second_even
            sums[4 * pair + 2], sums[4 * pair + 3] = odd + first_odd, odd + second_odd
        others = taken[t]
        for state in range(n_states):
            one, other = sums[one_way[state]], sums[other_way[state]]
            others[state] = other < one
            costs[state] = min(one, other)
    state = int(np.argmin(costs[:n_states]))
    total = costs[state]
    for t in range(steps - 1, -1, -1):
        edge = ways[taken[t, state], state]
        state = edge >> 1
        states[t] = state
        symbols[t] = (edge & 1) * branch[classes[t]] + which[t, edge & 3]
    return total
