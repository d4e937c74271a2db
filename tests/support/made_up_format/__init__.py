"""A format that nobody else has, as another package would bring it: its runtime, and the target of its files."""
