"""What tests and benchmarks share: models, made-up files, browsers, and where the fixtures are."""
