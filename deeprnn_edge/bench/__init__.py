"""Measure latency, start, memory and size, answers checked first.

Enters: a bundle. Leaves: a report with percentiles and the machine, as JSON too.
Looks at: ``inference``, ``parity`` and ``inspection``.
"""
