"""Tells a broker of home automation what happens, and lets Home Assistant find the cameras."""
