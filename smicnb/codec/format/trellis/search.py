"""The cheapest path through the trellis code for the latents of a block (Viterbi's algorithm): the compiled part."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def search(targets, weights, price, classes, first, books, branch, levels, bits, following, symbols, states):
    """Minimise Σ weight · (target − level)² + price · bits over all paths that begin in state 0.

    Args:
        targets: (T,) float64, what is to be coded, each in units of its own standard deviation.
        weights: (T,) float64, variances: what a squared error of a target costs.
        price: price of a bit, at the scale of the weights.
        classes: (T,) int64, which code each is coded with, an index into the next three.
        first: (C,) int64, where the levels of a code begin.
        books: (C,) int64, how many codebooks a code has; state s uses number s mod that.
        branch: (C,) int64, levels on either branch of a codebook.
        levels, bits: flat float64: value, and bits, of each level; by code, codebook, branch, level.
        following: (S, 2) int64, the state after each branch.
        symbols: (T,) int64, filled in: branch · levels of a branch + level.
        states: (T,) int64, filled in: the state in which each symbol was coded.

    Returns:
        The cost of the path.
    """
    n_states, steps = len(following), len(targets)
    most = 1
    for t in range(steps):
        most = max(most, books[classes[t]])
    chosen = np.empty((steps, n_states), np.uint16)  # state before · 2 + branch
    which = np.empty((steps, most, 2), np.uint8)
    cheapest = np.empty((most, 2))
    costs, following_costs = np.full(n_states, np.inf), np.empty(n_states)
    costs[0] = 0.0
    for t in range(steps):
        code = classes[t]
        width, place = branch[code], first[code]
        for book in range(books[code]):
            for turn in range(2):
                best, at = np.inf, 0
                for level in range(width):
                    error = targets[t] - levels[place + level]
                    cost = weights[t] * error * error + price * bits[place + level]
                    if cost < best:
                        best, at = cost, level
                place += width
                cheapest[book, turn], which[t, book, turn] = best, at
        following_costs[:] = np.inf
        for state in range(n_states):
            if costs[state] < np.inf:
                book = state % books[code]
                for turn in range(2):
                    cost, after = costs[state] + cheapest[book, turn], following[state, turn]
                    if cost < following_costs[after]:
                        following_costs[after], chosen[t, after] = cost, 2 * state + turn
        costs, following_costs = following_costs, costs
    state = int(np.argmin(costs))
    total = costs[state]
    for t in range(steps - 1, -1, -1):
        before, turn = chosen[t, state] // 2, chosen[t, state] % 2
        states[t] = before
        symbols[t] = turn * branch[classes[t]] + which[t, before % books[classes[t]], turn]
        state = before
    return total
