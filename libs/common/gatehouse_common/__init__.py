"""What every Gatehouse service stands on: time, messages, stores, the index and the media core."""
