"""Read and write files safely, with no model in sight.

Enters: a path or bytes from anywhere. Leaves: bounded bytes, decoded values, or files that are whole or absent.
Looks at: nothing of this package but its errors.
"""
