"""Reading bits and Exp-Golomb numbers of a NAL unit (ITU-T H.264 clauses 7.2 and 9.1; H.265 the same)."""

from __future__ import annotations


class BitReader:
    """A reader over the RBSP of a NAL unit, its emulation prevention bytes removed.

    Raises:
        EOFError: from every method, when the bits are used up.
    """

    def __init__(self, nal: bytes) -> None:
        rbsp = nal.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(rbsp, "big")
        self._left = len(rbsp) * 8

    def bits(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        if count > self._left:
            raise EOFError("the parameter set ends too early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return self.bits(1) == 1

    def ue(self) -> int:
        """Return the next unsigned Exp-Golomb number."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise EOFError("the parameter set is not a parameter set")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """Return the next signed Exp-Golomb number."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
