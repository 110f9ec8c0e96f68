"""Podshell: interactive shells in the pods and nodes of Kubernetes clusters."""

__version__ = "0.1.0"
