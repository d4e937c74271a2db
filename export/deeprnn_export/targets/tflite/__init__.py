"""Convert to TFLite with builtin operators alone.

Enters: a model, its signature and fixed shapes. Leaves: TFLite bytes.
Looks at: ``lowering``, never at another target.
"""
