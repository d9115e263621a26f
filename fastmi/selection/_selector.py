"""The transformer of scikit-learn that keeps the columns which tell most about a target."""

from __future__ import annotations

from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from fastmi._cautions import Caution, say
from fastmi._checks import as_k, check_choice, check_integer, check_real, check_search, k_list
from fastmi.selection._criteria import CRITERIA, select
from fastmi.selection._information import Information
from fastmi.selection._reading import read, summaries
from fastmi.selection._validation import checked_samples
from fastmi.statistics._variables import MISSING

Mask: TypeAlias = NDArray[np.bool_]

TARGETS = ("auto", "classes", "continuous")


class MISelector(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps the columns that together tell most about a target, by mutual information.

    Columns are chosen one by one. With the set S of those that have been chosen, the next one is
    the column k with the largest value of the criterion, in nats (Brown, Pocock, Zhao and Luján
    2012, https://jmlr.org/papers/v13/brown12a.html)::

        "mim"   I(X_k; Y)                                            Lewis (1992)
        "mrmr"  I(X_k; Y) - 1/|S| sum_j I(X_k; X_j)                  Peng, Long and Ding (2005)
        "jmi"   sum_j I(X_k, X_j; Y)                                 Yang and Moody (1999)
        "cmim"  min_j I(X_k; Y | X_j)                                Fleuret (2004)

    where j runs through S. The first column is that with the largest I(X_k; Y). "mim" knows
    nothing of redundancy: it chooses the copies of a good column as well. "mrmr" avoids columns
    that resemble the chosen ones, and does not see that two columns tell together what neither
    tells alone. "jmi" and "cmim" do; "jmi" adds, so that what is new beside one column counts
    although another tells it, and "cmim" asks for what none of the chosen columns tells.

    The joint information is estimated by the chain rule, I(X_j; Y) + I(X_k; Y | X_j). Columns may
    be continuous, classes, or mixtures of values that repeat and others, in any combination, and
    nothing is binned. All terms come from one family of nearest-neighbour estimates of the normal
    scores: KSG algorithm 1 and its conditional form (Kraskov et al. 2004; Frenzel and Pompe 2007),
    distances within classes (Ross 2014), inclusive counts where values repeat (Mesner and Shalizi
    2019), and counts of symbols, corrected for their bias, for classes alone. Terms of columns that
    tell nothing new scatter around 0, so that the order of columns whose criterion is near 0 says
    nothing.

    A selection is no test: it keeps the number of columns that is asked for, whether they tell
    something or not. :func:`fastmi.rank_features` gives p-values.

    Args:
        n_features: Number of columns to keep, or the share of all columns in (0, 1]. If fewer can
            be used, these are kept, with a warning.
        criterion: "mim", "mrmr", "jmi" or "cmim".
        k: Number of neighbours.
        discrete: Which columns hold classes: "auto" looks at their values, True or False is for
            all columns; names or positions, or a mask. Strings, categories and booleans are
            classes in any case.
        target: "classes" or "continuous"; "auto" looks at its values.
        missing: "raise"; "pairwise" uses for each term the rows that have all of its columns;
            "drop" uses the rows that have all columns. The target may have no gaps.
        n_jobs: Number of threads; None or -1 is every core.
        random_state: Seed of the noise that separates equal values of continuous columns, of the
            size of rounding. None is a fixed seed.

    Attributes:
        selected_: Numbers of the chosen columns in the order of their choice.
        relevance_: I(X_k; Y) of every column in nats, shape (n_features_in_,); NaN for columns that
            could not be used.
        scores_: Value of the criterion of each column when it was chosen, and of the others when
            the last one was, shape (n_features_in_,); NaN for columns that could not be used.
            Values of "jmi" grow with the number of columns that have been chosen.
        ranking_: 1 for the column that was chosen first, and so on; the others follow by their
            scores, and those that could not be used come last.
        left_out_: Why columns could not be used, by their name (by their number in an array).
        kinds_: What was taken for what: "continuous", "classes", "mixture" or "left out".
        target_kind_: The same for the target.
        n_features_in_: Number of columns seen by :meth:`fit`.
        feature_names_in_: Their names, where all of them are strings.

    Examples:
        >>> from sklearn.datasets import load_breast_cancer
        >>> from fastmi.selection import MISelector
        >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        >>> MISelector(3, criterion="jmi").fit(X, y).get_feature_names_out().tolist()
        ['worst radius', 'worst perimeter', 'worst smoothness']
    """

    def __init__(
        self,
        n_features: int | float = 10,
        *,
        criterion: str = "mim",
        k: int = 3,
        discrete: Any = "auto",
        target: str = "auto",
        missing: str = "raise",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_features = n_features
        self.criterion = criterion
        self.k = k
        self.discrete = discrete
        self.target = target
        self.missing = missing
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> MISelector:
        """Choose the columns.

        Args:
            X: Samples, shape (n, p), in an array, a data frame or a list.
            y: The target, shape (n,).

        Raises:
            TypeError: An option of the wrong type, or samples that cannot be read.
            ValueError: Samples of wrong shape, missing values that `missing` does not allow, a
                constant target, no column that can be used, an option out of range.
        """
        k = self._checked()
        if y is None:
            raise ValueError(
                "MISelector requires y to be passed, but the target y is None: it holds what the "
                "columns are to tell about"
            )
        X = checked_samples(self, X, reset=True, gaps=self.missing != "raise")
        count = self._count(self.n_features_in_)
        check_consistent_length(X, y)
        features, target, notes = read(
            X, y, discrete=self.discrete, target=self.target, missing=self.missing
        )
        used, places = features.used, np.array(features.places)
        k_list(k, len(target.values))
        if count > len(used):
            text = (
                f"n_features={self.n_features} asks for {count} columns; {len(used)} can be used, "
                "and are kept"
            )
            notes.append(Caution(text, "few_columns"))
        of = Information(used, target, features.places, k=k, n_jobs=self.n_jobs, seed=self._seed())
        found = select(of, min(count, len(used)), self.criterion)
        if of.few:
            text = (
                f"{len(of.few)} estimates had fewer than {2 * k + 2} rows with all of their "
                "columns, and were taken as 0"
            )
            notes.append(Caution(text, "few_samples"))
        say([*notes, *summaries(features.places, of.warnings)])
        self.selected_ = places[found.order]
        self.relevance_ = self._spread(places, found.relevance)
        self.scores_ = self._spread(places, found.scores)
        self.ranking_ = self._ranking()
        self.left_out_ = features.left_out
        kinds = np.full(self.n_features_in_, "left out", dtype=object)
        kinds[places] = [variable.kind.name for variable in used]
        self.kinds_ = tuple(kinds)
        self.target_kind_ = target.kind.name
        return self

    def transform(self, X: Any) -> Any:
        """Return the chosen columns, in the order in which `X` has them.

        As with the selectors of scikit-learn it is an array, unless
        ``set_output(transform="pandas")`` or "polars" asks for a data frame, whose columns keep
        their types.
        """
        check_is_fitted(self)
        asked = _get_output_config("transform", estimator=self)["dense"]
        X = checked_samples(
            self, X, reset=False, gaps=self.missing != "raise", keep_frames=asked != "default"
        )
        return self._transform(X)

    def _get_support_mask(self) -> Mask:
        check_is_fitted(self)
        mask = np.zeros(self.n_features_in_, dtype=np.bool_)
        mask[self.selected_] = True
        return mask

    def _checked(self) -> int:
        """Return the number of neighbours after a check of all options."""
        check_choice("criterion", self.criterion, CRITERIA)
        check_choice("target", self.target, TARGETS)
        check_choice("missing", self.missing, MISSING)
        check_search("chebyshev", "auto", self.n_jobs)
        k = as_k(self.k)
        if not isinstance(k, int):
            raise TypeError(f"k must be one integer, because a selection has one; got k={k!r}")
        return k

    def _count(self, columns: int) -> int:
        """Return the number of columns to keep."""
        asked = self.n_features
        if isinstance(asked, float | np.floating):
            return max(1, round(check_real("n_features", asked, 0.0, 1.0, ends="(]") * columns))
        return check_integer("n_features", asked, 1)

    def _seed(self) -> int | None:
        if self.random_state is None:
            return None
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _spread(self, places: NDArray[np.intp], values: NDArray[np.float64]) -> Any:
        """Return values of the columns that can be used among NaN for the others."""
        spread = np.full(self.n_features_in_, np.nan)
        spread[places] = values
        return spread

    def _ranking(self) -> NDArray[np.intp]:
        # NaN is sorted last.
        by_score = np.argsort(-self.scores_, kind="stable")
        rest = by_score[~self._get_support_mask()[by_score]]
        ranking = np.empty(self.n_features_in_, dtype=np.intp)
        ranking[np.concatenate([self.selected_, rest])] = np.arange(1, self.n_features_in_ + 1)
        return ranking

    def _more_tags(self) -> dict[str, Any]:
        """Return the tags for scikit-learn before 1.6."""
        return {
            "requires_y": True,
            "allow_nan": self.missing != "raise",
            "X_types": ["2darray", "string", "categorical"],
        }

    def __sklearn_tags__(self) -> Any:
        """Return the tags for scikit-learn from 1.6."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = self.missing != "raise"
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
