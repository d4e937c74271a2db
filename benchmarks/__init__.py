"""Measure what is published of speed, size, accuracy and endurance: each module one command, each writing JSON."""
