"""The truth of a sample sky. It stands in a table of the archive that no service serves."""

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Table

from alerce_zvar.sample.stars import BANDS

__all__ = ["sample_truth", "write_truth"]

_UNITS = {
    "ra": u.deg,
    "dec": u.deg,
    "period": u.day,
    **{f"{what}_{b}": u.mag for what in ("mag", "amplitude") for b in BANDS},
}
_TEXTS = ("psid", "oid", "name", "class_name")


def write_truth(archive, stars):
    """Store the truth; `stars` maps names in the archive to `~alerce_zvar.sample.stars.Star`."""
    columns = {
        "name": np.array(list(stars), dtype=object),
        "class_name": np.array([star.kind for star in stars.values()], dtype=object),
        "period": np.array([star.period for star in stars.values()]),
        "epoch": np.array([star.epoch for star in stars.values()]),
    }
    for band in BANDS:
        columns[f"mag_{band}"] = np.array([star.mags[band] for star in stars.values()])
        columns[f"amplitude_{band}"] = np.array([star.amplitudes[band] for star in stars.values()])
    archive.write("CREATE TABLE sample_truth AS SELECT * FROM given", given=columns)


def sample_truth(archive):
    """What the sources of a sample sky really are.

    Parameters
    ----------
    archive : `~alerce_zvar.archive.Archive`
        Made by `build_sample`.

    Returns
    -------
    `~astropy.table.Table`
        One row per source, by ``psid``: ``psid``, ``oid`` (masked for sources without alerts), ``name``, ``class_name``
        ("RRab", "RRc", "EA", "EB", "EW", "DSCT", "LPV", "CV", "SN", "bogus" or "constant"), ``ra``, ``dec`` [deg],
        ``period`` [d] and ``epoch`` (BJD, TDB: maximum light of pulsators and supernovae, deeper minimum of binaries),
        masked where there is none, and per band ``mag_g ...`` [mag] and the full ``amplitude_g ...`` [mag] without
        noise.

    Raises
    ------
    ArchiveError
        The archive is not a sample sky.

    Examples
    --------
    >>> from alerce_zvar.archive import Archive
    >>> from alerce_zvar.sample import sample_truth
    >>> with Archive.open("demo/sky.duckdb", read_only=True) as archive:  # doctest: +SKIP
    ...     truth = sample_truth(archive)
    >>> truth[truth["class_name"] == "RRab"]["psid", "period"]  # doctest: +SKIP
    """
    found = archive.query(
        "SELECT s.psid::VARCHAR AS psid, s.oid, s.ra, s.dec, t.* FROM sample_truth t JOIN sources s USING (name) "
        "ORDER BY s.psid"
    )
    order = [*_TEXTS, "ra", "dec", *(name for name in found if name not in (*_TEXTS, "ra", "dec"))]
    return Table([_column(name, found[name]) for name in order])


def _column(name, values):
    mask = np.ma.getmaskarray(values)
    if name in _TEXTS:
        texts = [str(value or "") for value in np.ma.filled(values, "")]
        return MaskedColumn(texts, name=name, mask=mask, dtype=str)
    return MaskedColumn(values, name=name, mask=mask | np.isnan(np.ma.getdata(values)), unit=_UNITS.get(name))
