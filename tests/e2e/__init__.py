"""End-to-end tests: the real hubd, the real hubctl, simulated partner platforms, real HTTP on loopback."""
