"""Open networks, each entry in its own way.

Every module has ``open_network(folder, workload, variant) -> Opened``, and imports its own package alone.
"""
