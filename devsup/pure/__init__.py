"""What decides and what is said: data in, data out; no clock, no I/O, no asyncio."""
