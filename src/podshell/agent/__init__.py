"""Runs in a cluster, dials out to the gateway and owns the sessions there."""
