"""Judge files: the grid, Keras's answers, tolerances, accuracy.

Enters: a model and converted files. Leaves: reports, or a ParityError.
Looks at: ``streaming``, ``reading`` and ``tracing``.
"""
