"""Make the tables of README and docs from the published results."""
