"""What users see of the reasons to distrust an estimate: Python warnings, print, pickles."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import fastmi
from fastmi._cautions import Caution, announce, quiet, say


@pytest.fixture
def few(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return two columns of too few samples, which every estimator warns of."""
    return rng.normal(size=30), rng.normal(size=30)


CALLS: dict[str, Callable[..., object]] = {
    "mi": fastmi.mi,
    "class": lambda x, y: fastmi.KSG().estimate(x, y),
    "cmi": lambda x, y: fastmi.cmi(x, y, x + y),
    "entropy": lambda x, _: fastmi.entropy(x),
    "total_correlation": fastmi.total_correlation,
    "o_information": lambda x, y: fastmi.o_information(x, y, x * y),
    "several k": lambda x, y: fastmi.mi(x, y, k=[3, 4, 5]),
    "lagged_mi": lambda x, y: fastmi.lagged_mi(x, y, [0, 1, 2]),
    "transfer_entropy": fastmi.transfer_entropy,
    "pairwise_mi": lambda x, y: fastmi.pairwise_mi(np.column_stack([x, y, x * y])),
    "gaussian": lambda x, y: fastmi.mi(x[:9], y[:9], method="gaussian"),
    "binning": lambda x, y: fastmi.mi(x, y, method="binning", bins=30),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_warns_once_at_the_line_of_the_user(
    call: Callable[..., object], few: tuple[np.ndarray, np.ndarray]
) -> None:
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        call(*few)
    kinds = [each for each in issued if re.search("are few|are alone in", str(each.message))]
    assert [each.category for each in kinds] == [fastmi.EstimateWarning]
    assert kinds[0].filename == __file__


def test_data_without_fault_warns_of_nothing(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 500))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.mi(x, y)
        fastmi.cmi(x, y, x + rng.normal(size=500))
        fastmi.entropy(x)
        fastmi.pairwise_mi(np.column_stack([x, y]))


def test_warnings_can_be_filtered_by_category(few: tuple[np.ndarray, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", fastmi.EstimateWarning)
        assert fastmi.mi(*few).warnings
    with warnings.catch_warnings():
        warnings.simplefilter("error", fastmi.EstimateWarning)
        with pytest.raises(fastmi.EstimateWarning, match="n=30 samples are few"):
            fastmi.mi(*few)


def test_each_kind_is_issued_once(few: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.warns(fastmi.EstimateWarning) as issued:
        say([Caution("first", "one"), Caution("second", "two"), Caution("third", "one")])
    assert [str(each.message) for each in issued] == ["first", "second"]


def test_quiet_silences_and_ends(few: tuple[np.ndarray, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            estimate = fastmi.mi(*few)
            assert announce(estimate) is estimate
    with pytest.warns(fastmi.EstimateWarning):
        announce(estimate)


def test_pairs_are_summed_up_by_kind(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(30, 4))
    with pytest.warns(fastmi.EstimateWarning, match=r"^6 of 6 pairs, for example 0 and 1: n=30"):
        result = fastmi.pairwise_mi(samples)
    assert "6 of 6 pairs" in str(result)
    assert str(result.mi) in str(result)


def test_print_shows_value_error_unit_and_warnings(few: tuple[np.ndarray, np.ndarray]) -> None:
    estimate = fastmi.mi(*few)
    assert str(estimate) == f"{float(estimate):.4g} ± {estimate.stderr:.2g} nats (1 warning)"
    assert f"{estimate}" == repr(float(estimate))
    assert f"{estimate:.3f}" == f"{float(estimate):.3f}"
    assert float(estimate) == estimate


def test_kinds_survive_a_pickle(few: tuple[np.ndarray, np.ndarray]) -> None:
    estimate = pickle.loads(pickle.dumps(fastmi.mi(*few)))
    assert [caution.kind for caution in estimate.warnings] == ["few_samples"]
    assert estimate.to_dict()["warnings"] == list(estimate.warnings)
