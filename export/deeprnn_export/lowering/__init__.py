"""Build a model's recurrences as a target has them, while the model is traced.

Enters: recurrent layers of a model. Leaves: a target's own operators, and the form of each layer.
Looks at: ``streaming`` and ``tracing``.
"""
