"""Name the artifact to ship within budgets.

Enters: a bundle and budgets of size, latency and accuracy. Leaves: the choice, and why not the others.
Looks at: ``bench``.
"""
