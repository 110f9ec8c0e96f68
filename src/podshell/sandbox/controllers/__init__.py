"""What makes the sandbox's objects act: the control loop, the workload controllers, the scheduler and the collectors.

Each controller is a plain synchronous object: it says which keys a change concerns and reconciles one key against the store. The
loop (`loop.py`) owns the one task, the order and the delays; so every controller is tested without a clock and without asyncio.
"""
