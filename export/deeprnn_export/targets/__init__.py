"""Convert to one format each: one folder a target.

Enters: a model, its signature and a precision. Leaves: a file's bytes and what became of each layer.
Looks at: ``lowering``; one target knows nothing of another.
"""
