"""Checks of the single values that users pass: numbers, names, seeds, sizes of networks."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, SupportsIndex, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

# Quoted, because naming the classes of numpy.random would import it for everyone.
Seed: TypeAlias = (
    "int | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator"
)

# Largest length of an array in C++ and in NumPy.
_LARGEST = (1 << 63) - 1


def check_integer(name: str, value: object, least: int, most: int = _LARGEST) -> int:
    """Return `value` as an int.

    Raises:
        TypeError: Not an integer.
        ValueError: Below `least` or above `most`.
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(cast(SupportsIndex, value))
    except TypeError:
        raise TypeError(
            f"{name} must be an integer >= {least}; got {name}={value!r} ({type(value).__name__})"
        ) from None
    if number < least:
        raise ValueError(f"{name} must be an integer >= {least}; got {name}={number}")
    if number > most:
        raise ValueError(f"{name} must be an integer <= {most}; got {name}={number}")
    return number


def check_real(
    name: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    ends: str = "[]",
) -> float:
    """Return `value` as a float.

    Args:
        name: What to call it in messages.
        value: What the user passed.
        low: Lower end of the range.
        high: Upper end; infinity itself is never accepted.
        ends: Which ends belong to the range, in the notation of intervals: "[]", "(]", "[)" or
            "()".

    Raises:
        TypeError: Not a real number.
        ValueError: Outside the range, NaN or infinite.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.floating | np.integer
    ):
        raise TypeError(
            f"{name} must be a real number; got {name}={value!r} ({type(value).__name__})"
        )
    try:
        number = float(value)
    except OverflowError:  # an int beyond every float
        number = math.inf if value > 0 else -math.inf
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (math.isfinite(number) and above and below):
        right = ")" if high == math.inf else ends[1]
        left = "(" if low == -math.inf else ends[0]
        raise ValueError(
            f"{name} must be in {left}{low:.6g}, {high:.6g}{right}; got {name}={number!r}"
        )
    return number


def check_flag(name: str, value: object) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(
            f"{name} must be True or False; got {name}={value!r} ({type(value).__name__})"
        )


def generator(seed: Any) -> np.random.Generator:
    """Return the generator that `seed` stands for.

    Raises:
        TypeError: `seed` has a type that seeds no generator.
        ValueError: `seed` is negative.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"seed must suit numpy.random.default_rng; got {seed!r}: {error}"
        ) from None


def check_seed(seed: Any) -> None:
    """Raise as :func:`generator` does unless `seed` stands for a generator, as None does."""
    if seed is not None:
        generator(seed)


# What users of other libraries mean by a name; the first of these that is valid is suggested.
_MEANT: dict[str, tuple[str, ...]] = {
    "knn": ("ksg1", "kl", "fp"),
    "kraskov": ("ksg1", "fp"),
    "ksg": ("ksg1", "fp"),
    "ksg1": ("fp",),
    "bin": ("binning", "bins"),
    "cheb": ("chebyshev",),
    "eps": ("noise",),
    "gauss": ("gaussian",),
    "l2": ("euclidean",),
    "linf": ("chebyshev",),
    "max": ("chebyshev",),
    "mi": (),
    "norm": ("normalize",),
    "hist": ("binning",),
    "histogram": ("binning",),
    "kozachenko": ("kl",),
    "n_neighbors": ("k",),
    "neighbors": ("k",),
    "neighbours": ("k",),
    "random_state": ("seed",),
    "rng": ("seed",),
    "epochs": ("steps",),
    "n_epochs": ("steps",),
    "iterations": ("steps",),
    "learning_rate": ("lr",),
    "n_threads": ("n_jobs",),
    "threads": ("n_jobs",),
    "workers": ("n_jobs",),
    "permutations": ("n_permutations",),
    "n_perm": ("n_permutations",),
    "surrogates": ("n_permutations",),
    "k_history": ("target_history",),
    "l_history": ("source_history",),
    "scale": ("normalize",),
    "standardize": ("normalize",),
    "n_bins": ("bins",),
}

METRICS = ("chebyshev", "euclidean")
ALGORITHMS = ("auto", "tree", "brute", "sort")


def as_k(k: object) -> int | tuple[int, ...]:
    """Return `k` as an int, or as a tuple of ints if it is a sequence.

    Raises:
        TypeError: Neither an integer nor a sequence of integers.
        ValueError: Smaller than 1, or an empty sequence.
    """
    if type(k) is int:
        numbers: tuple[int, ...] = (k,)
        single = True
    else:
        # 0-d arrays have __iter__ too.
        listed = isinstance(k, Sequence | np.ndarray) and not isinstance(k, str | bytes)
        single = not listed or getattr(k, "ndim", 1) == 0
        try:
            numbers = (_integer(k),) if single else tuple(map(_integer, cast(Iterable[object], k)))
        except TypeError:
            raise TypeError(
                f"k must be an integer or a sequence of integers; got {_described('k', k)}"
            ) from None
        if not numbers:
            raise ValueError(f"k must name at least one number of neighbours; got k={k!r}")
    for number in numbers:
        if number < 1:
            raise ValueError(f"k must be in [1, n - 1]; got k={number}")
    if single:
        return numbers[0]
    # scikit-learn's clone insists on the same object where nothing had to be converted.
    return k if type(k) is tuple and k == numbers and set(map(type, k)) == {int} else numbers


def k_list(
    k: int | Sequence[int] | NDArray[np.integer[Any]], n: int, blocks: Sequence[Any] = ()
) -> tuple[int, ...]:
    """Return the numbers of neighbours in `k`, from :func:`as_k`, checked against n samples.

    Args:
        k: The numbers.
        n: Number of samples.
        blocks: The samples of each variable, shapes (n, d_b), for the message.

    Raises:
        ValueError: One of them exceeds n - 1.
    """
    ks = (k,) if isinstance(k, int) else tuple(k)
    for number in ks:
        if number >= n:
            hint = transposed(n, [block.shape[1] for block in blocks])
            raise ValueError(
                f"k must be in [1, n - 1]; got k={number}, n={n}{hint and '; ' + hint}"
            )
    return ks


def transposed(n: int, dims: Sequence[int]) -> str:
    """Return a hint that samples are rows where each variable has more columns than rows, or ""."""
    if not dims or n >= min(dims):
        return ""
    shapes = " and ".join(dict.fromkeys(f"({n}, {d})" for d in dims))
    return f"samples are rows: is what has shape {shapes} transposed?"


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise ValueError, listing `choices`, unless `value` is one of them."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(
            f"{name} must be one of {listed}; got {_described(name, value)}"
            f"{did_you_mean(value, choices)}"
        )


def did_you_mean(word: object, valid: Iterable[str]) -> str:
    """Return ": did you mean ...?" with the valid name that `word` resembles; "" if none does."""
    names = list(valid)
    if not isinstance(word, str):
        return ""
    meant = [name for name in _MEANT.get(word.lower(), ()) if name in names]
    if not meant:
        # Imported here, because only errors need it.
        from difflib import get_close_matches

        by_lower = {name.lower(): name for name in names}
        # Below 0.7, "scheme" passes for "seed" and "mi" for "mine".
        near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
        meant = [by_lower[name] for name in near]
    return f": did you mean {meant[0]!r}?" if meant else ""


def check_search(metric: object, algorithm: object, n_jobs: object) -> None:
    """Check the options that every neighbour search takes.

    Raises:
        TypeError: `n_jobs` is neither None nor an integer.
        ValueError: Unknown `metric` or `algorithm`; `n_jobs` is 0 or below -1.
    """
    check_choice("metric", metric, METRICS)
    check_choice("algorithm", algorithm, ALGORITHMS)
    if n_jobs is None:
        return
    expected = "n_jobs must be None or -1 (every core), or a number of threads >= 1"
    try:
        number = _integer(n_jobs)
    except TypeError:
        raise TypeError(f"{expected}; got {_described('n_jobs', n_jobs)}") from None
    if number < 1 and number != -1:
        raise ValueError(f"{expected}; got n_jobs={number}")


def check_noise(noise: object) -> None:
    """Check a relative noise level; None leaves it to the estimator.

    Raises:
        TypeError: Neither None nor a real number.
        ValueError: Negative, NaN or infinite.
    """
    if noise is None:
        return
    if type(noise) is not float:
        kind = np.result_type(noise).kind if isinstance(noise, int | float | np.number) else "O"
        if kind not in "iuf":
            raise TypeError(
                f"noise must be None or a real number >= 0; got {_described('noise', noise)}"
            )
    level = float(cast(float, noise))
    if not (level >= 0.0 and math.isfinite(level)):
        raise ValueError(f"noise must be finite and >= 0; got noise={noise!r}")


def check_theiler(theiler: object, algorithm: object) -> None:
    """Check a Theiler window, and that the search can leave out samples.

    Raises:
        TypeError: Not an integer.
        ValueError: Below 0, or with an `algorithm` that cannot leave out samples.
    """
    window = check_integer("theiler", theiler, 0)
    if window and algorithm not in ("auto", "brute"):
        raise ValueError(
            f"theiler={window} needs algorithm 'auto' or 'brute'; got algorithm={algorithm!r}"
        )


def check_window(theiler: int, ks: Iterable[int], n: int) -> None:
    """Raise ValueError if a sample in the middle has too few others outside the window."""
    k = max(ks)
    if k > n - 1 - 2 * theiler:
        raise ValueError(
            f"theiler must leave k samples to each one, k <= n - 1 - 2 theiler; got "
            f"theiler={theiler}, k={k}, n={n}"
        )


#: Largest number of layers, and of networks that are applied one after another.
MOST_LAYERS = 1000
# 4 GiB in float32; gradients and moments of Adam add three times that.
_MOST_WEIGHTS = 1 << 30


def hidden_widths(hidden: object) -> tuple[int, ...]:
    """Return `hidden`, the widths of a network, as a tuple of ints.

    Raises:
        TypeError: Not a sequence of integers.
        ValueError: No width, a width below 1, or too many weights.
    """
    if isinstance(hidden, str | bytes) or not isinstance(hidden, Sequence):
        raise TypeError(
            f"hidden must be a sequence of widths, for example (512, 512); "
            f"got hidden={hidden!r} ({type(hidden).__name__})"
        )
    for width in hidden:
        if isinstance(width, bool) or not isinstance(width, int | np.integer):
            raise TypeError(f"hidden must hold integers; got {width!r} ({type(width).__name__})")
    widths = tuple(int(width) for width in hidden)
    if type(hidden) is tuple and set(map(type, hidden)) == {int}:
        widths = hidden  # the same object, as scikit-learn's clone demands
    if not widths or min(widths) < 1:
        raise ValueError(f"hidden must name at least one width, each >= 1; got hidden={widths!r}")
    check_weights((1, *widths, 1), f"hidden={widths!r}")
    return widths


def check_weights(widths: Sequence[int], options: str, *, networks: int = 1) -> None:
    """Raise ValueError if networks of these widths have too many weights.

    Args:
        widths: Widths of the layers of each network, input and output included.
        options: Options that set the widths, as they read in the message: "width=20".
        networks: Number of networks.

    Raises:
        ValueError: Too many weights.
    """
    weights = networks * sum(a * b for a, b in pairwise(widths))
    if weights > _MOST_WEIGHTS:
        raise ValueError(
            f"{options} must make at most {_MOST_WEIGHTS:.3g} weights; got {weights:.3g}, "
            f"with layers of {', '.join(map(str, widths[:6]))}{' ...' * (len(widths) > 6)}"
        )


def _integer(value: object) -> int:
    # bool is an int to Python; k=True is a slip.
    if isinstance(value, bool | np.bool_):
        raise TypeError
    return operator.index(cast(SupportsIndex, value))


def _described(name: str, value: object) -> str:
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{name}={text} ({type(value).__name__})"
