"""Do index and store agree? What differs is found, and mended or set aside; nothing is deleted that has no reason."""
