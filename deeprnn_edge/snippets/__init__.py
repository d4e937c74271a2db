"""Print a whole program that runs a bundle in another language.

Enters: a bundle and a language. Leaves: source text that checks its own answer.
Looks at: ``bundle`` and ``runtimes``.
"""
