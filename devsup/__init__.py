"""devsup runs a development stack and restarts it on every edit of `.env`, with proof."""

__version__ = "0.1.0"
