"""Composition roots: the only place that may import several processes."""
