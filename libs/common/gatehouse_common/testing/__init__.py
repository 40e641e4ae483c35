"""What tests and benches need of us: films that tell their frame numbers, and a clock that tests own."""
