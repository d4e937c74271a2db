"""Translate models of Keras 2 into Keras 3, so that they compute what they did there."""
