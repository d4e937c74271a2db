"""Answer: the model that an app holds, and its streams.

Enters: a bundle's path, then raw input. Leaves: numpy arrays.
Looks at: ``runtimes`` to compute, ``inputs`` to prepare.
"""
