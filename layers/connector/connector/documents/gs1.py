"""GS1 numbers: check digits, and the SSCC (serial shipping container code) under which a carton or pallet travels.

An SSCC is 18 digits: an extension digit, the company prefix that GS1 gave out (7 to 10 digits), a serial number
that fills up, and a check digit. RSX and the label's bar code put its application identifier 00 before it.
"""

from __future__ import annotations

SSCC_DIGITS = 18
APPLICATION_IDENTIFIER = "00"


def check_digit(digits: str) -> str:
    """The digit that belongs behind `digits`: weighted 3 and 1 in turn from the right they make up a full ten."""
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def check_digit_fits(digits: str) -> bool:
    """Whether a UPC, EAN, GTIN or SSCC ends with its check digit."""
    return digits.isascii() and digits.isdigit() and check_digit(digits[:-1]) == digits[-1]


def sscc_of(text: str) -> str:
    """The 18 digits of an SSCC written in any usual way; ValueError says in plain words what is wrong."""
    digits = "".join(char for char in text if char not in " -()")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(
            "an SSCC has only digits; a spreadsheet may have rounded it: format the column as text"
        )
    if len(digits) == SSCC_DIGITS + 2 and digits.startswith(APPLICATION_IDENTIFIER):
        digits = digits[2:]
    if len(digits) != SSCC_DIGITS:
        raise ValueError(f"an SSCC has 18 digits (20 with the leading 00), this has {len(digits)}")
    if not check_digit_fits(digits):
        raise ValueError(
            f"the SSCC's check digit should be {check_digit(digits[:-1])}: scan it again, or it was mistyped"
        )
    return digits


def serials(prefix: str) -> int:
    """How many SSCCs a company prefix has for one extension digit."""
    return int(10 ** (SSCC_DIGITS - 2 - len(prefix)))


def make_sscc(prefix: str, serial: int, extension: str = "0") -> str:
    """The SSCC of a serial number; ValueError where the prefix has no such number."""
    if not 0 <= serial < serials(prefix):
        raise ValueError(f"the company prefix {prefix} has no serial number {serial}")
    digits = f"{extension}{prefix}{serial:0{SSCC_DIGITS - 2 - len(prefix)}d}"
    return digits + check_digit(digits)
