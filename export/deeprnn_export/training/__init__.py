"""Build and train the default networks.

Enters: a data set and options. Leaves: a model, and the record of its training beside it.
Looks at: ``datasets`` and ``reading``.
"""
