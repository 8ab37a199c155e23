"""Compiled solvers of Eq. 8 for one latent at a time: the path over falling λ, and coordinate descent.

The minimum of ½‖z − Tc‖² + λ‖c‖₁ is a piecewise linear function of λ. Between two events, an atom entering or
leaving, the active coefficients move by d = R·s, with R the inverse of the active atoms' Gram matrix and s their
signs. An event costs three passes over about k² or k·K numbers (k active of K atoms): R is kept explicitly and
updated by rank one, and the next event is found without divisions by Newton's method on a convex function.

Source: Osborne, Presnell and Turlach, A new approach to variable selection in least squares problems, 2000; Efron,
Hastie, Johnstone and Tibshirani, Least angle regression, 2004.
"""

import numpy as np
from numba import njit

DEPENDENT = 1e-9  # Schur pivot, as a share of an atom's squared norm, below which it depends on the active ones
FIRST_CAPACITY = 64
MOST_STEPS = 20  # per atom; real latents take about one
MOST_STALLED = 4  # steps of length zero per atom before the path is given up for coordinate descent
SETTLED = 1e-9  # KKT violation, as a share of λ, that needs no polish
ROUNDING = 1e-13  # of the largest correlation: what summing it up leaves uncertain
SWEEPS = 2000


@njit(cache=True, nogil=True)
def follow(gram, correlations, penalties, codes, violations):
    """The lasso path of every latent, checked, and mended by coordinate descent where the check fails.

    Args:
        gram: (K, K) of the atoms.
        correlations: (n, K) products of latents and atoms.
        penalties: (P,) values of λ, positive, falling.
        codes: (n, P, K) float64 zeros, filled in.
        violations: (n, P), filled in: largest breach of the optimality conditions over the tolerance; above 1 it
            was not solved.
    """
    n_atoms = len(gram)
    inverse = np.empty((min(n_atoms, FIRST_CAPACITY), min(n_atoms, FIRST_CAPACITY)))
    residual, slope, mask = np.empty(n_atoms), np.empty(n_atoms), np.empty(n_atoms)
    index = np.empty(n_atoms, np.int64)
    sign, value, direction, column = np.empty(n_atoms), np.empty(n_atoms), np.empty(n_atoms), np.empty(n_atoms)
    for row in range(len(correlations)):
        largest = 0.0
        for j in range(n_atoms):
            residual[j] = correlations[row, j]
            largest = max(largest, abs(residual[j]))
        done, inverse = _path(
            *(gram, residual, penalties, codes[row], inverse),
            *(slope, mask, index, sign, value, direction, column),
        )
        for place in range(len(penalties)):
            allowed = max(SETTLED * penalties[place], ROUNDING * largest)
            code = codes[row, place]
            if place >= done and place > 0:
                code[:] = codes[row, place - 1]
            breach = _residual(gram, correlations[row], code, penalties[place], residual, index, value)
            if breach > allowed or place >= done:
                breach = descend(gram, code, penalties[place], allowed, SWEEPS, residual)
            violations[row, place] = breach / allowed if allowed else 0.0


@njit(cache=True, nogil=True)
def _path(gram, residual, penalties, codes, inverse, slope, mask, index, sign, value, direction, column):
    """One latent's path; `residual` holds its correlations. Returns how many of the λ are done, and `inverse`."""
    n_atoms, last = len(gram), penalties[-1]
    enter, penalty = 0, 0.0
    for j in range(n_atoms):
        mask[j] = 1.0
        if abs(residual[j]) > penalty:
            enter, penalty = j, abs(residual[j])
    place = 0
    while place < len(penalties) and penalties[place] >= penalty:
        place += 1
    count, dropped, leave, stalled = 0, -1, -1, 0
    banned = False
    for _ in range(MOST_STEPS * n_atoms + 1):
        if place == len(penalties):
            break
        if dropped >= 0:
            mask[dropped] = 1.0
            dropped = -1
        if leave >= 0:
            dropped = index[leave]
            count = _remove(inverse, leave, count, index, sign, value, direction, column)
            if banned:  # with fewer atoms it may be independent again
                mask[:] = 1.0
                for i in range(count):
                    mask[index[i]] = 0.0
                banned = False
            mask[dropped] = 0.0
        else:
            if count == len(inverse):
                larger = np.empty((min(n_atoms, 2 * count), min(n_atoms, 2 * count)))
                larger[:count, :count] = inverse
                inverse = larger
            mask[enter] = 0.0
            toward = 1.0 if residual[enter] > 0 else -1.0
            if _add(gram, inverse, enter, toward, count, index, sign, value, direction, column):
                count += 1
            else:
                banned = True
        _combine(gram, index, direction, count, slope)
        # The longest step that no coefficient's sign and not the end of the grid forbids, then shortened to the
        # first correlation that would exceed λ: each round takes the worst one at the step and goes back to where
        # it just touches.
        step, leave = penalty - last, -1
        for i in range(count):
            if (value[i] + step * direction[i]) * sign[i] < 0.0 and direction[i] * sign[i] < 0.0:
                step, leave = max(0.0, -value[i] / direction[i]), i
        enter = -1
        while True:
            worst = _largest(residual, slope, mask, step)
            if worst <= penalty - step:
                break
            j = _find_place(residual, slope, mask, step, worst)
            up = residual[j] - step * slope[j] > 0
            short = penalty - residual[j] if up else penalty + residual[j]
            rate = 1.0 - slope[j] if up else 1.0 + slope[j]
            shorter = max(0.0, short / rate) if rate > 0.0 else 0.0
            if shorter >= step:  # rounding: it touches just here
                enter, leave = j, -1
                break
            step, enter, leave = shorter, j, -1
        while place < len(penalties) and penalties[place] >= penalty - step:
            ahead = penalty - penalties[place]
            for i in range(count):
                reached = value[i] + ahead * direction[i]
                codes[place, index[i]] = reached if reached * sign[i] > 0.0 else 0.0
            place += 1
        stalled = stalled + 1 if step <= 0.0 else 0
        if (enter < 0 and leave < 0) or stalled > MOST_STALLED * n_atoms:
            break
        for i in range(count):
            value[i] += step * direction[i]
        for j in range(n_atoms):
            residual[j] -= step * slope[j]
        penalty -= step
    return place, inverse


@njit(cache=True, nogil=True)
def _add(gram, inverse, atom, toward, count, index, sign, value, direction, column):
    """Border the inverse by one atom; False where it depends on the active ones."""
    for i in range(count):
        column[i] = 0.0
    i = 0
    while i + 4 <= count:
        a, b, c, d = (
            gram[atom, index[i]],
            gram[atom, index[i + 1]],
            gram[atom, index[i + 2]],
            gram[atom, index[i + 3]],
        )
        for j in range(count):
            column[j] += (a * inverse[i, j] + b * inverse[i + 1, j]) + (c * inverse[i + 2, j] + d * inverse[i + 3, j])
        i += 4
    while i < count:
        a = gram[atom, index[i]]
        for j in range(count):
            column[j] += a * inverse[i, j]
        i += 1
    pivot, along = gram[atom, atom], 0.0
    for i in range(count):
        pivot -= gram[atom, index[i]] * column[i]
        along += sign[i] * column[i]
    if pivot <= DEPENDENT * gram[atom, atom]:
        return False
    for i in range(count):
        share = column[i] / pivot
        for j in range(count):
            inverse[i, j] += share * column[j]
        inverse[i, count] = -share
        inverse[count, i] = -share
    inverse[count, count] = 1.0 / pivot
    pace = (toward - along) / pivot
    for i in range(count):
        direction[i] -= pace * column[i]
    index[count], sign[count], value[count], direction[count] = atom, toward, 0.0, pace
    return True


@njit(cache=True, nogil=True)
def _remove(inverse, leave, count, index, sign, value, direction, column):
    """Take one atom out of the inverse; the last one moves to its place."""
    last = count - 1
    pivot, pace = inverse[leave, leave], direction[leave]
    for i in range(count):
        column[i] = inverse[leave, i]
    for i in range(count):
        share = column[i] / pivot
        direction[i] -= pace * share
        for j in range(count):
            inverse[i, j] -= share * column[j]
    if leave != last:
        for j in range(count):
            inverse[leave, j] = inverse[last, j]
        for i in range(count):
            inverse[i, leave] = inverse[i, last]
        inverse[leave, leave] = inverse[last, last]
        index[leave], sign[leave] = index[last], sign[last]
        value[leave], direction[leave] = value[last], direction[last]
    return last


@njit(cache=True, nogil=True)
def _combine(gram, index, weights, count, out):
    """out = Σ weights[i] · gram[index[i]], four rows at a time."""
    n_atoms = len(out)
    for j in range(n_atoms):
        out[j] = 0.0
    i = 0
    while i + 4 <= count:
        a, b, c, d = index[i], index[i + 1], index[i + 2], index[i + 3]
        u, v, w, x = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        for j in range(n_atoms):
            out[j] += (u * gram[a, j] + v * gram[b, j]) + (w * gram[c, j] + x * gram[d, j])
        i += 4
    while i < count:
        a, u = index[i], weights[i]
        for j in range(n_atoms):
            out[j] += u * gram[a, j]
        i += 1


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _largest(residual, slope, mask, step):
    """Largest |residual − step·slope| where the mask is 1."""
    worst = 0.0
    for j in range(len(residual)):
        worst = max(worst, mask[j] * abs(residual[j] - step * slope[j]))
    return worst


@njit(cache=True, nogil=True)
def _find_place(residual, slope, mask, step, worst):
    for j in range(len(residual)):
        if mask[j] * abs(residual[j] - step * slope[j]) >= worst:
            return j
    return 0


@njit(cache=True, nogil=True)
def _residual(gram, correlations, code, penalty, residual, index, value):
    """Fill in the residual's correlations under a code; returns the largest breach of the conditions at its optimum."""
    count = 0
    for j in range(len(code)):
        if code[j] != 0.0:
            index[count], value[count] = j, code[j]
            count += 1
    _combine(gram, index, value, count, residual)
    for j in range(len(code)):
        residual[j] = correlations[j] - residual[j]
    return _breach(code, penalty, residual)


@njit(cache=True, nogil=True)
def _breach(code, penalty, residual):
    worst = 0.0
    for j in range(len(code)):
        if code[j] > 0.0:
            worst = max(worst, abs(residual[j] - penalty))
        elif code[j] < 0.0:
            worst = max(worst, abs(residual[j] + penalty))
        else:
            worst = max(worst, abs(residual[j]) - penalty)
    return worst


@njit(cache=True, nogil=True)
def descend(gram, code, penalty, allowed, sweeps, residual):
    """Coordinate descent on one code (n_atoms,), in place, until no condition is breached by more than `allowed`."""
    n_atoms, every = len(code), True
    for _ in range(sweeps):
        worst = 0.0
        for j in range(n_atoms):
            before, squared = code[j], gram[j, j]
            if squared <= 0.0 or (before == 0.0 and (not every or abs(residual[j]) <= penalty)):
                continue
            target = residual[j] + squared * before
            after = 0.0
            if abs(target) > penalty:
                after = (target - penalty if target > 0 else target + penalty) / squared
            change = after - before
            if change != 0.0:
                code[j] = after
                worst = max(worst, abs(change) * squared)
                for k in range(n_atoms):
                    residual[k] -= change * gram[j, k]
        # Sweeps over what is active alternate with sweeps over everything, which alone may end the descent.
        if worst <= allowed / 2:
            breach = _breach(code, penalty, residual)
            if breach <= allowed:
                return breach
            every = True
        else:
            every = False
    return _breach(code, penalty, residual)
