"""Positions that people write."""

import re

from astropy import units as u
from astropy.coordinates import SkyCoord, jparser

__all__ = ["parse_position"]

_IN_A_NAME = re.compile(r"J\d{6}\.?\d*[+-]\d{6}\.?\d*", re.ASCII)


def parse_position(text):
    """Position (ICRS) of a text.

    Two numbers are degrees; with colons, or six numbers, the first half are hours and the second degrees; with letters
    it says itself what it is. A name that holds the position, such as ``"SDSS J004244.30+411609.0"``, stands for it;
    no other name of a star is looked up.

    Parameters
    ----------
    text : str

    Returns
    -------
    `~astropy.coordinates.SkyCoord`

    Raises
    ------
    ValueError
        The text is none of these.
    """
    words = text.replace(",", " ").split()
    wrong = ValueError(
        f"not a position: {text!r}. Accepted are '10.68 +41.27' (degrees), '00:42:44 +41:16:09', and "
        "'00h42m44s +41d16m09s'; in quotes, as one argument"
    )
    numbers = [_number(word) for word in words]
    if len(words) == 2 and None not in numbers:
        if not (-360 <= numbers[0] <= 360 and -90 <= numbers[1] <= 90):
            raise wrong
        return SkyCoord(*numbers, unit="deg")
    hours = ":" in text or (len(words) == 6 and None not in numbers)
    units = {"unit": (u.hourangle, u.deg)} if hours else {}
    try:
        if _IN_A_NAME.search(text):
            return jparser.to_skycoord(text)
        return SkyCoord(" ".join(words), frame="icrs", **units)
    except (ValueError, TypeError):
        raise wrong from None


def _number(word):
    try:
        return float(word)
    except ValueError:
        return None
