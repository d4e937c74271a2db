"""The workshop's commands; each joins ``deeprnn-edge`` through an entry point."""
