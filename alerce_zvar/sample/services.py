"""What the two services would have concluded about the sample sky: ZVAR's periods, ALeRCE's classes and features.

They are drawn from the truth, with the errors that such services make: periods at half or twice the true one, noise
taken for periods, and now and then a wrong class.
"""

import numpy as np
from astropy import units as u
from astropy.table import Table

from alerce_zvar.sample.observe import quadrant
from alerce_zvar.zvar.schema import N_BINS

__all__ = ["PROBABILITY_COLUMNS", "class_chances", "class_rows", "feature_table", "period_table", "probability_table"]

# Chance of finding the period times each factor, by the kind of star: binaries, with their two dips, often give half.
_FACTORS = (1.0, 0.5, 2.0)
_CONFUSION = {"EA": (0.6, 0.2, 0.2), "EW": (0.45, 0.5, 0.05), "EB": (0.7, 0.2, 0.1)}
_PULSATOR_CONFUSION = (0.9, 0.0, 0.1)
_SEARCHED = (5 / 1440, 10.0)  # days; the service's range
# What noise reaches with 5, 10 and 20 bins, and what a clear binary of 474 points adds (reference/zvar.md 4.1).
_NOISE = {5: 7.7, 10: 9.1, 20: 10.6}
_SIGNAL = {5: 111.0, 10: 84.0, 20: 61.0}
_MIN_POINTS = 30

_CLASSES = (
    "SNIa", "SNIbc", "SNII", "SLSN",
    "QSO", "AGN", "Blazar", "CV/Nova", "YSO",
    "LPV", "E", "DSCT", "RRL", "CEP", "Periodic-Other",
)  # fmt: skip
_TOP = {"Transient": _CLASSES[:4], "Stochastic": _CLASSES[4:9], "Periodic": _CLASSES[9:]}
_STAMP_CLASSES = ("AGN", "SN", "VS", "asteroid", "bogus")
_TRUE_CLASS = {
    "RRab": "RRL", "RRc": "RRL", "EA": "E", "EB": "E", "EW": "E", "DSCT": "DSCT", "LPV": "LPV",
    "CV": "CV/Nova", "SN": "SNIa", "bogus": "YSO",
}  # fmt: skip
_VERSIONS = ("hierarchical_rf_1.1.0", "lc_classifier_1.1.13")
PROBABILITY_COLUMNS = ("oid", "classifier", "classifier_version", "class_name", "probability", "ranking")
_MISTAKES = 0.1  # share of objects whose best class is wrong
# The first holds a null period (reference/alerce.md 3.5).
_FEATURE_VERSIONS = ("25.0.1a14", "lc_classifier_1.2.1-P", "27.5.6")
# Power at half the frequency over that at the frequency; binaries have two dips in a cycle.
_POWER_RATES = {"EA": 0.5, "EB": 0.1, "EW": 0.05}
_BANDS = ("g", "r")
_BOTH = "gr"


def period_table(rng, ids, stars, light_curves):
    """Three FPW periods for every light curve of at least 30 detections.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        Luck of the search.
    ids : dict
        Name -> psid.
    stars : dict
        Name -> Star.
    light_curves : dict
        (name, field, band) -> (number of detections, median error, total variation in magnitudes).

    Returns
    -------
    `~astropy.table.Table`
        As `alerce_zvar.archive.Archive.add_periods` takes it.
    """
    rows = []
    for (name, field, band), (n, error, length) in light_curves.items():
        if n >= _MIN_POINTS:
            place = (ids[name], field, *quadrant(stars[name], field), band)
            rows += [(*place, *_search(rng, stars[name], band, n, error, bins), length, bins) for bins in N_BINS]
    names = ("psid", "field", "ccd", "quad", "band", "period", "significance", "string_length", "n_bins")
    table = Table(rows=rows, names=names)
    table["period"].unit = u.day
    return table


def _search(rng, star, band, n, error, bins):
    """Period found and its significance; what is too faint, or outside the searched range, gives noise."""
    share = (
        (star.amplitudes[band] / 3) ** 2 / ((star.amplitudes[band] / 3) ** 2 + error**2) if star.is_periodic else 0.0
    )
    noise = _NOISE[bins] * rng.normal(1.0, 0.06)
    height = _SIGNAL[bins] * n / 474 * share * rng.uniform(0.8, 1.2)
    factor = rng.choice(_FACTORS, p=_CONFUSION.get(star.kind, _PULSATOR_CONFUSION))
    period = star.period * factor * (1 + 1e-6 * rng.normal())
    if height > 0.5 * noise and _SEARCHED[0] < period < _SEARCHED[1]:
        return period, noise + height
    return float(np.exp(rng.uniform(*np.log(_SEARCHED)))), noise


def probability_table(rng, oids, stars):
    """Classes of all objects by several classifiers and versions.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        Luck of the classifiers.
    oids : dict
        Name -> oid.
    stars : dict
        Name -> Star.

    Returns
    -------
    `~astropy.table.Table`
        As `alerce_zvar.archive.Archive.add_probabilities` takes it.
    """
    rows = []
    for name, oid in oids.items():
        for classifier, version, classes, chances in _classifications(rng, stars[name].kind):
            rows += class_rows(oid, classifier, version, classes, chances)
    return Table(rows=rows, names=PROBABILITY_COLUMNS)


def _classifications(rng, kind):
    best = _TRUE_CLASS[kind] if rng.uniform() > _MISTAKES else str(rng.choice(_CLASSES))
    for version in _VERSIONS:
        chances = class_chances(rng, _CLASSES, best)
        yield "lc_classifier", version, _CLASSES, chances
        tops = np.array([sum(chances[_CLASSES.index(c)] for c in members) for members in _TOP.values()])
        yield "lc_classifier_top", version, tuple(_TOP), tops
    stamp = {"SN": "SN", "bogus": "bogus"}.get(kind, "VS")
    yield "stamp_classifier", "stamp_classifier_1.0.4", _STAMP_CLASSES, class_chances(rng, _STAMP_CLASSES, stamp)


def class_rows(oid, classifier, version, classes, chances):
    """Rows of one classification of one object: a class each, with its probability and rank."""
    ranks = np.argsort(np.argsort(-chances)) + 1
    return [
        (oid, classifier, version, label, float(chance), int(rank))
        for label, chance, rank in zip(classes, chances, ranks, strict=True)
    ]


def class_chances(rng, classes, best):
    """Probabilities of some classes, of which one is the most probable."""
    weights = rng.gamma(0.3, 1.0, len(classes)) + 1e-6
    weights[classes.index(best)] += 2.5 * weights.max() + 2.0
    return np.round(weights / weights.sum(), 6)


def feature_table(rng, oids, stars, light_curves):
    """A few features of all objects in three versions; parameters as for `period_table` and `probability_table`."""
    rows = []
    for name, oid in oids.items():
        star = stars[name]
        best = star.period * rng.choice(_FACTORS, p=_CONFUSION.get(star.kind, _PULSATOR_CONFUSION))
        for version in _FEATURE_VERSIONS:
            known = best if version != _FEATURE_VERSIONS[0] else np.nan
            rows.append((oid, "Multiband_period", known, _BOTH, version))
            rows.append((oid, "Power_rate_1/2", _POWER_RATES.get(star.kind, 0.003), _BOTH, version))
            rows.append((oid, "g-r_mean_corr", star.mags["g"] - star.mags["r"], _BOTH, version))
            rows += [(oid, "Amplitude", star.amplitudes[band] / 2, band, version) for band in _BANDS]
            rows += [(oid, "n_det", float(_count(light_curves, name, band)), band, version) for band in _BANDS]
    return Table(rows=rows, names=("oid", "name", "value", "band", "version"))


def _count(light_curves, name, band):
    return sum(n for (other, _, b), (n, _, _) in light_curves.items() if other == name and b == band)
