"""Offer the commands of the workshop, a file each: options in, text or JSON out.

Enters: words of the command line. Leaves: results on stdout, progress on stderr, an exit code.
Looks at: ``pipeline`` and ``training``.
"""
