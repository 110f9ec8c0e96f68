"""An embedded Kubernetes-compatible cluster with process-backed containers (Linux, loopback only)."""
