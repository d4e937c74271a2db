"""Tell what a file is made of, without running it.

Enters: a bundle, a model file, or a format that another package reads. Leaves: layers, operators, bytes.
Looks at: ``bundle`` and ``runtimes``.
"""
