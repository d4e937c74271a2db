"""Time calls on whole sequences.

Enters: a bundle and options. Leaves: a result for each entry, with timing, memory and start.
Looks at: what the benchmarks share.
"""
