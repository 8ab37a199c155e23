"""Bounds that several rooms share: what every library behind them takes without overflowing."""

MOST_SEED = 2**31  # numpy's and scikit-learn's are below 2^32; training shifts its own by 32 bits into torch's 64
MOST_WEIGHT = 1e9  # of a term of a loss
MOST_JOBS = 1024  # notebooks at a time
MOST_SECONDS = 10**7  # four months, for one cell
