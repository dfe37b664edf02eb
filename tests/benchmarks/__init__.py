"""The driver of tests/bench: starts hubd and what it is compared with, sends traffic to both, prints one table."""
