"""One side effect a module: processes, files, sockets, the terminal."""
