"""Alembic migrations of the gateway's database; they run at every start."""
