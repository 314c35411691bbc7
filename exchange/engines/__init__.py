"""The engines: integers in, frozen values out; no clock, no randomness, no I/O, no Django."""
