"""Read labelled data: what the package ships, Keras's, and the user's own.

Enters: a name or a path. Leaves: arrays for training and test, with the rules of their input.
Looks at: the device's ``inputs``, so that text becomes ids in one way.
"""
