"""Fixtures that every test may ask for."""

pytest_plugins = ["sandbox_fixtures"]
