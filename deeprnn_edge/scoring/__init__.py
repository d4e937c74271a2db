"""Score a corpus of Parquet files on Dask's workers.

Enters: a bundle and files. Leaves: Parquet files of answers, resumable, put in place as a whole.
Looks at: ``inference``.
"""
