"""How each contender opens a network.

Every module has ``open_network(folder, workload, variant) -> Opened``, and imports its own package alone.
"""
