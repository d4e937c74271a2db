"""List every error that a user can cause.

DeepRNNEdgeError
├── InputError              what was given cannot be used: a path, an option, an array (exit code 2)
│   ├── BundleError         a bundle, manifest or artifact is missing, damaged or of another version
│   ├── MissingExtraError   the feature needs packages that are not installed
│   ├── UnsupportedModelError   a model that cannot be exported exactly; names the layer
│   ├── StreamError         a stream that is closed, or used by two threads at once
│   └── BusyError           another command is writing the same place
├── IncompleteError         some of the files of an export could not be made (exit code 1)
├── ParityError             the answers differ from the reference (exit code 1)
├── BudgetError             no artifact keeps within the budgets (exit code 1)
├── ScoringError            partitions of a corpus without answers (exit code 1)
└── RegressionError         slower or larger than an earlier benchmark, beyond noise (exit code 1)
"""

from __future__ import annotations


class DeepRNNEdgeError(Exception):
    """Stand for every error that a user of either package can cause. Its message is one line."""


class InputError(DeepRNNEdgeError):
    """Say what was given that cannot be used: what came, what was expected, what to do."""


class BundleError(InputError):
    """Say that a bundle, its manifest or one of its artifacts is missing, damaged or of another version."""


class MissingExtraError(InputError):
    """Say that the feature needs packages that are not installed, or not in such a release, and what brings them."""


class UnsupportedModelError(InputError):
    """Say that the model cannot be exported exactly: the layer, the reason and the way out."""


class StreamError(InputError):
    """Say that a stream is closed, or used by two threads at once. Its state is as it was."""


class BusyError(InputError):
    """Say that another command is writing the place that this one would write. Nothing was changed."""


class ParityError(DeepRNNEdgeError):
    """Say that an artifact's answers differ from the reference by more than the tolerance.

    Attributes:
        table: which case of which output, as text.
    """

    def __init__(self, message: str, *, table: str = "") -> None:
        super().__init__(message)
        self.table = table


class IncompleteError(DeepRNNEdgeError):
    """Say which files of an export could not be made; the bundle has the others."""


class BudgetError(DeepRNNEdgeError):
    """Say that no artifact keeps within the budgets: the nearest, and what it would need."""


class RegressionError(DeepRNNEdgeError):
    """Say that a benchmark is slower or larger than an earlier one by more than was allowed, beyond noise."""


class ScoringError(DeepRNNEdgeError):
    """Say which partitions of a corpus have no answers, after all attempts or as the scheduler went away."""
