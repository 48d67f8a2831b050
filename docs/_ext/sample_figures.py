"""What the pages' pictures show, as in their texts, from the sample sky."""

from functools import cache

from astropy import units as u
from astropy.coordinates import SkyCoord
from sample_sky import address

from alerce_zvar import AlerceClass, ZvarClass, find_period
from alerce_zvar.zvar.gaia import add_colour_magnitude, is_giant


@cache
def _seen():
    """The star with the most significant period, its period, a supernova's images, and the giants."""
    zvar = ZvarClass(url=address())
    return *_star(zvar), _images(AlerceClass(url=address())), _giants(zvar)


def _star(zvar):
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


def _images(alerce):
    found = alerce.query_objects(classifier="lc_classifier", class_name="SNIa", one_row_per_object=True)
    detections = alerce.query_detections(found["oid"][-1])
    return alerce.get_stamps(found["oid"][-1], detections["candid"][detections["has_stamp"]][-1])


def _giants(zvar):
    cuts = {"min_period": 5 * u.min, "max_period": 10 * u.day, "min_significance": 40, "objtype": 1}
    sources = zvar.query_region(SkyCoord(0.8365 * u.deg, 30.94 * u.deg), radius=10 * u.arcmin, **cuts)
    gaia = zvar.query_crossmatch(sources["psid"], "gaia", radius=5 * u.arcsec)
    diagram = add_colour_magnitude(gaia, min_parallax_snr=3)
    chosen = is_giant(diagram)
    light_curve = zvar.get_lightcurves(diagram["psid"][chosen]).clean(min_snr=5, min_points=50)[0]
    how = {"minimum_period": 1 * u.day, "maximum_period": 10 * u.day, "nterms": 4}
    return diagram, chosen, light_curve, find_period(light_curve, **how)


def giants():
    """Colour-magnitude diagram of the variable stars, which of them are giants, a light curve of one, its period."""
    return _seen()[3]


def best_star():
    """Light curve of the star with the most significant period, and the period found."""
    return _seen()[:2]


def stamps():
    """Images of a supernova near its maximum."""
    return _seen()[2]
