"""Pure protocol code: bytes to messages to events. No I/O, no clock, no asyncio."""
