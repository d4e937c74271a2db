"""The conformance table: every kind of model that an export is tried on, with its outcome in each format."""

from __future__ import annotations

from tests.support.conformance import bidirectional as conformance_bidirectional
from tests.support.conformance import cells as conformance_cells
from tests.support.conformance import compositions as conformance_compositions
from tests.support.conformance import custom as conformance_custom
from tests.support.conformance import inputs as conformance_inputs
from tests.support.conformance import masks as conformance_masks
from tests.support.conformance import mixed as conformance_mixed
from tests.support.conformance import shapes as conformance_shapes
from tests.support.conformance.row import Row

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
