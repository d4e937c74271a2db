"""The documents' tables, made from the published results."""
