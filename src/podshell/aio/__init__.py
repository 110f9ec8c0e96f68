"""Pieces of asyncio that know nothing of shells: pumps, supervised tasks, backoff."""
