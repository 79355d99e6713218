"""What each command does: the edges put together around what the pure part decides."""
