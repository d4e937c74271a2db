"""The conformance table: every kind of model that an export is tried on, with its outcome in each format."""

from __future__ import annotations

from tests.export import (
    conformance_bidirectional,
    conformance_cells,
    conformance_compositions,
    conformance_custom,
    conformance_inputs,
    conformance_masks,
    conformance_mixed,
    conformance_shapes,
)
from tests.export.conformance_row import Row

ROWS: tuple[Row, ...] = (
    *conformance_cells.rows(),
    *conformance_shapes.rows(),
    *conformance_bidirectional.rows(),
    *conformance_masks.rows(),
    *conformance_compositions.rows(),
    *conformance_mixed.rows(),
    *conformance_custom.rows(),
    *conformance_inputs.rows(),
)
