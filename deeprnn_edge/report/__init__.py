"""Draw one self-contained page of a bundle and its measurements.

Enters: a bundle and bench JSON. Leaves: HTML that loads nothing from anywhere.
Looks at: ``bench`` and ``inspection``.
"""
