"""Scoring a corpus: one model over the rows of Parquet files, on many processes or machines through Dask."""
