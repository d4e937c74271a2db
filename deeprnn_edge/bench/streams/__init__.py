"""Time the chunks of a stream, beside the window run again.

Enters: a bundle with stream artifacts. Leaves: results by artifact and chunk.
Looks at: what the benchmarks share.
"""
