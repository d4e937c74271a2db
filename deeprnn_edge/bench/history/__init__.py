"""Compare a measurement with an earlier one.

Enters: two reports. Leaves: ratios with intervals, and whether a limit is exceeded.
Looks at: the reports of sequences and streams.
"""
