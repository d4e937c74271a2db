"""Read models and what lies beside them, from Keras 2 on.

Enters: a path or a model. Leaves: a Keras 3 model, its signature, its input rules.
Looks at: ``tracing`` and ``datasets``.
"""
