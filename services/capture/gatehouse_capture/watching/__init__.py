"""Watching cameras: one decode per camera for all who look, and as little of it as shows everything that moves."""
