"""Run one artifact: one folder a runtime, all with the same ``Session``.

Enters: an artifact's bytes, then arrays by input name. Leaves: arrays by output name.
Looks at: ``bundle`` and ``inputs``; one runtime knows nothing of another.
"""
