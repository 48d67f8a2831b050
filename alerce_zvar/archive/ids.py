"""Identifiers of sources: the PanSTARRS objID of a position, and names in ALeRCE's style."""

import hashlib
import string

import numpy as np

__all__ = ["mint_oid", "psid_from_position"]

ZONE = 0.0083333  # deg; STScI's constant, not 30 arcsec exactly (reference/zvar.md 5.3)
LETTERS = string.ascii_lowercase


def psid_from_position(ra, dec):
    """PanSTARRS objIDs of positions (ICRS) [deg], by STScI's published formula.

    Returns
    -------
    ndarray of int64
        17 or 18 digits.
    """
    z = (np.asarray(dec, dtype=float) + 90.0) / ZONE
    zone = np.floor(z)
    micro = np.floor(np.mod(np.asarray(ra, dtype=float), 360.0) * 1e6)
    return zone.astype(np.int64) * 10**13 + micro.astype(np.int64) * 10**4 + ((z - zone) * 1e4).astype(np.int64)


def mint_oid(psid, year, taken):
    """A name such as ``ZTF18abcdefg`` that is not among the taken ones.

    The seven letters are a digest of the psid, and a name taken by another source changes them. So the same data
    imported in one go are named alike in every archive; imported in another order they need not be, for the psid
    is that of the position that came first, and the year that of the first epoch then known.
    """
    for salt in range(len(taken) + 1):
        digest = hashlib.blake2b(f"{psid}/{salt}".encode(), digest_size=8).digest()
        oid = f"ZTF{year % 100:02d}{_letters(int.from_bytes(digest, 'big'))}"
        if oid not in taken:
            break
    return oid


def _letters(number, count=7):
    letters = []
    for _ in range(count):
        number, digit = divmod(number, len(LETTERS))
        letters.append(LETTERS[digit])
    return "".join(letters)
