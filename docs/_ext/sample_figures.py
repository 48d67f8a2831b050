"""What the tutorial's pictures show: the star of its text, from a sample sky that is served while they are made."""

import tempfile
from functools import cache
from pathlib import Path

from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar import ZvarClass, find_period
from alerce_zvar.sample import build_sample
from alerce_zvar.server import serve


@cache
def best_star():
    """Light curve of the star with the most significant period, and the period found."""
    with (
        tempfile.TemporaryDirectory() as folder,
        build_sample(Path(folder) / "sky.duckdb") as archive,
        serve(archive) as server,
    ):
        zvar = ZvarClass(url=server.url)
        sources = zvar.query_region(
            SkyCoord(0.8365 * u.deg, 30.94 * u.deg),
            radius=10 * u.arcmin,
            max_period=1 * u.day,
            min_significance=15,
            min_amplitude=0.3 * u.mag,
        )
        sources.periods.sort("significance", reverse=True)
        light_curve = zvar.get_lightcurves(sources.periods["psid"][0]).clean(min_snr=5)[0]
    return light_curve, find_period(light_curve, minimum_period=0.05 * u.day, maximum_period=1 * u.day)
