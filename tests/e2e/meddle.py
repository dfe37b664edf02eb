"""A machine that is not as it should be: meddle.c, put before the system's functions of a hubd that the test starts."""

import mmap
import os
import struct

from tests.e2e.harness import BIN

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def environment(**more):
    """For a hubd that is to be meddled with."""
    library = BIN.parent / "tests" / "meddle.so"
    assert library.is_file(), f"{library} is missing: run tests/build"
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": sanitizer, **more}


class Clocks:
    """The clocks of every hubd started with `environment`: set at any time, in milliseconds ahead of the real ones."""

    def __init__(self, path):
        path.write_bytes(bytes(16))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 16)
        self.environment = environment(HUB_TEST_CLOCK=str(path))

    def _set(self, place, value):
        self._memory[place : place + 8] = struct.pack("=q", value)

    def wall(self, ahead):
        self._set(0, ahead)

    def pass_time(self, ahead):
        """Both clocks: time that has really passed."""
        self._set(8, ahead)
        self._set(0, ahead)

    def steady(self, ahead):
        self._set(8, ahead)
