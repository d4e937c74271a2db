"""Trace a model for export: the one hand in Keras's and TensorFlow's internals.

Enters: a Keras model. Leaves: overridden layers while a graph is traced, recurrences as plain numbers.
Looks at: nothing above it.
"""
