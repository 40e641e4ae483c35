"""Api: reads the index, slices footage, shows live pictures. Writes nothing but cameras."""
