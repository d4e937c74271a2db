"""Convert to ONNX with native recurrences, and store its weights in fewer bits.

Enters: a model and its signature. Leaves: ONNX bytes of standard operators.
Looks at: ``lowering``, never at another target.
"""
