"""What people bring: one engine, and what its doors have in common."""
