"""Make a static page that runs a bundle in the browser.

Enters: a bundle and the browser's runtime. Leaves: a folder of files.
Looks at: ``bundle`` and ``inputs``.
"""
