"""The device's commands, one module each; ``deeprnn_edge.cli`` imports the one that is used."""
