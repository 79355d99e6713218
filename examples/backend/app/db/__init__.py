"""The database: one engine a process, its sessions, its tables."""
