"""Checks of samples as scikit-learn makes them, for all of its versions from 1.3."""

from __future__ import annotations

from typing import Any

from sklearn.utils import check_array, validation

from fastmi._columns import column_labels


def checked_samples(
    estimator: Any, X: Any, *, reset: bool, gaps: bool, keep_frames: bool = True
) -> Any:
    """Return a data frame as it is, and other samples as an array that is sound.

    Names and number of the columns are remembered, or compared with those that were.

    Args:
        estimator: The transformer.
        X: Samples.
        reset: Whether this is the call of fit.
        gaps: Whether values may be missing.
        keep_frames: Whether data frames stay what they are; else they become arrays as well.

    Raises:
        TypeError: Samples of a kind that cannot be read, sparse ones included.
        ValueError: Samples of wrong shape, not finite, or with other columns than before.
    """
    frame = keep_frames and column_labels(X) is not None
    options: dict[str, Any] = {"dtype": None, "ensure_min_samples": 2 if reset else 1}
    if hasattr(validation, "validate_data"):
        options["ensure_all_finite"] = "allow-nan" if gaps else True
        return validation.validate_data(
            estimator, X, reset=reset, skip_check_array=frame, **options
        )
    estimator._check_feature_names(X, reset=reset)
    if not frame:
        options["force_all_finite"] = "allow-nan" if gaps else True
        X = check_array(X, input_name="X", estimator=estimator, **options)
    estimator._check_n_features(X, reset=reset)
    return X
