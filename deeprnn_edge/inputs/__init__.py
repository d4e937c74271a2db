"""Turn what a user gives into arrays that a network takes.

Enters: texts, ids, feature vectors, chunks of a stream. Leaves: checked arrays by input name.
Looks at: ``bundle`` for the rules.
"""
