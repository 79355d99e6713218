"""devsup, measured against its peers and against the floor: `python bench`."""
