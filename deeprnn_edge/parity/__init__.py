"""Hold an artifact's answers against Keras's, on any machine.

Enters: a bundle with golden vectors. Leaves: the largest difference and label flips of each artifact.
Looks at: ``inference`` and ``runtimes``.
"""
