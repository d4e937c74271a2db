"""Find what a model carries from step to step, and carry it through a trace.

Enters: a model. Leaves: the plan of its states, or a refusal by the layer's name.
Looks at: ``reading`` and ``tracing``.
"""
