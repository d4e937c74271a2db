"""A report of a bundle and its measurements: one HTML page that needs nothing beside it."""
