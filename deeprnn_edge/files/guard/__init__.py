"""Try a stranger's file in a process of its own, with limits of time and memory.

Enters: a program and its limits. Leaves: what it answered, or one line on what it died of.
Looks at: nothing of this package but its errors and ``tables``.
"""
