"""Every way to run a recurrent network on a CPU, measured beside each other on the same weights and inputs."""
