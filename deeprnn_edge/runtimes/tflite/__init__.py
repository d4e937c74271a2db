"""Run ``.tflite`` artifacts with LiteRT.

Enters: a file's bytes, then one row at a time. Leaves: arrays by output name, steps of a stream.
Looks at: what the runtimes share, never at another runtime.
"""
