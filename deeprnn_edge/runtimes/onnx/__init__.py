"""Run ``.onnx`` artifacts with ONNX Runtime.

Enters: a file's bytes, then arrays by input name. Leaves: arrays by output name, steps of a stream.
Looks at: what the runtimes share, never at another runtime.
"""
