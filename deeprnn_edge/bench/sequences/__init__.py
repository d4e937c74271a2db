"""Time calls on whole sequences.

Enters: a bundle and options. Leaves: a row a contender, with timing, memory and start.
Looks at: what the benchmarks share.
"""
