"""Say what a model computes as a short typed list of operations on named buffers, for targets that write code.

Enters: a model and the shapes of its inputs. Leaves: a program, or a refusal by the layer's name.
Looks at: the rest of ``lowering``, ``streaming`` and ``tracing``.
"""
