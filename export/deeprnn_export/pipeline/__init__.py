"""Export a Keras model from its file to a checked bundle.

Enters: a model and options. Leaves: a bundle, or an error and nothing.
Looks at: ``targets`` to convert, ``parity`` to judge, ``reading`` for what the model is.
"""
