"""Open a bundle: the manifest as frozen types, and its files once their sizes and hashes hold.

Enters: a directory or a zip. Leaves: a ``Bundle``, golden vectors, an artifact's bytes.
Looks at: ``files``.
"""
