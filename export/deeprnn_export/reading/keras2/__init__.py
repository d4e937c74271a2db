"""Models of Keras 2: what their files say, translated into Keras 3 so that they compute what they did there."""
