"""Hold the options of one export, which check themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.labelled import Dataset
from deeprnn_export.pipeline.precisions import expand_precisions
from deeprnn_export.reading.answer_rules import AnswerOptions
from deeprnn_export.reading.feature_rules import FeatureOptions
from deeprnn_export.reading.text_rules import TextOptions
from deeprnn_export.targets.target import Target


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class ExportOptions:
    """Hold how a model is exported; ``export`` says what each option means.

    Raises:
        InputError: for a value that cannot be used, and for options that do not go together.
    """

    formats: Sequence[str] | None
    precisions: Sequence[str]
    sample: Any
    sample_only: bool
    max_length: int | None
    stream: bool
    chunk: int
    preprocessing: Preprocessing | None
    text: TextOptions
    features: FeatureOptions
    sample_raw: Any
    labels: Any
    answer: AnswerOptions
    name: str | None
    keep_words: int | None
    tensors: Mapping[str, str] | None
    calibration: Any
    evaluate: Dataset | str | Path | None
    max_accuracy_drop: float | None
    max_difference: float | None
    atol: float | None
    force: bool
    keep_going: bool
    allow_lambda: bool
    custom_objects: Mapping[str, Any] | None
    c_prefix: str | None
    progress: Callable[[str], None]

    def __post_init__(self) -> None:
        expand_precisions(self.formats, self.precisions)
        if self.max_length is not None and self.max_length < 1:
            raise InputError(f"max_length={self.max_length}: a sequence has at least 1 step")
        if self.sample_only and self.sample is None:
            raise InputError("sample_only=True compares on the given rows alone: give some with sample=")
        if self.chunk < 1:
            raise InputError(f"chunk={self.chunk}: a chunk has at least 1 step")
        if self.chunk != 1 and not self.stream:
            raise InputError(f"chunk={self.chunk} is for streams: give stream=True as well")
        for option, value in (("atol", self.atol), ("max_difference", self.max_difference)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{option}={value}: expected a difference above 0, such as 1e-3")
        drop = self.max_accuracy_drop
        if drop is not None and not 0 <= drop <= 100:
            raise InputError(f"max_accuracy_drop={drop}: expected percentage points, such as 0.5")
        if drop is not None and self.evaluate is None:
            raise InputError("max_accuracy_drop= needs labelled data to measure it on: give evaluate=, such as reviews")

    @property
    def wanted(self) -> list[tuple[Target, str]]:
        """List the pairs of format and precision to export."""
        return expand_precisions(self.formats, self.precisions)
