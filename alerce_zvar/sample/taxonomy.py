"""ALeRCE's own classifiers and their classes, of ZTF and of LSST: facts, as its services list them."""

from astropy.table import Table

__all__ = ["LSST_CLASSIFIERS", "lsst_taxonomy", "taxonomy"]

_TRANSIENT = ("SNIa", "SNIbc", "SNII", "SLSN")
_STOCHASTIC = ("QSO", "AGN", "Blazar", "CV/Nova", "YSO")
_PERIODIC = ("LPV", "E", "DSCT", "RRL", "CEP", "Periodic-Other")
_FINER_PERIODIC = ("LPV", "EA", "EB/EW", "Periodic-Other", "RSCVn", "CEP", "RRLab", "RRLc", "DSCT")
_BETA = (
    *("SNIa", "SNIbc", "SNIIb", "SNII", "SNIIn", "SLSN", "TDE", "Microlensing", "QSO", "AGN", "Blazar", "YSO"),
    *("CV/Nova", *_FINER_PERIODIC),
)
_TOP = ("Transient", "Stochastic", "Periodic")
_STAMP = ("SN", "AGN", "VS", "asteroid", "bogus")
_FOREST, _BHRF = "hierarchical_random_forest_1.0.0", "lc_classifier_BHRF_forced_phot"
_NEW_TRANSIENT = ("SNIa", "SESN", "SNII", "SNIIn", "SLSN", "TDE")
_NEW_STOCHASTIC = ("Microlensing", "QSO", "AGN", "Blazar", "YSO", "CV/Nova")

# In the order of the recorded answer (reference/alerce.md 3.6). Stored classifications have versions of other names.
_CLASSIFIERS = (
    ("lc_classifier_transient", _FOREST, _TRANSIENT),
    ("lc_classifier_stochastic", _FOREST, _STOCHASTIC),
    ("lc_classifier_periodic", _FOREST, _PERIODIC),
    ("LC_classifier_ATAT_forced_phot(beta)", "beta", _BETA),
    ("LC_classifier_BHRF_forced_phot(beta)", "beta", _BETA),
    ("lc_classifier", _FOREST, (*_TRANSIENT, *_STOCHASTIC, *_PERIODIC)),
    ("lc_classifier_top", _FOREST, _TOP),
    ("stamp_classifier", "stamp_classifier_1.0.0", _STAMP),
    ("stamp_classifier", "stamp_classifier_1.0.4", _STAMP),
    (_BHRF, "2.1.0", ("SNIa", "SESN", "SNII", "SNIIn", "SLSN", "TDE", *_NEW_STOCHASTIC, *_FINER_PERIODIC)),
    (f"{_BHRF}_top", "2.1.0", _TOP),
    (f"{_BHRF}_periodic", "2.1.0", _FINER_PERIODIC),
    (f"{_BHRF}_stochastic", "2.1.0", _NEW_STOCHASTIC),
    (f"{_BHRF}_transient", "2.1.0", _NEW_TRANSIENT),
    ("stamp_classifier_2025_beta", "beta", (*_STAMP, "satellite")),
)
# Name, version, number in the database, classes (reference/alerce.md 7.5).
LSST_CLASSIFIERS = (
    ("stamp_classifier_rubin_beta", "2.0.1", 1, _STAMP),
    ("stamp_classifier_rubin_beta_20260421", "2.0.2", 3, _STAMP),
)


def taxonomy():
    """ZTF's classifiers as `alerce_zvar.archive.Archive.add_classifiers` takes them."""
    rows = [(name, version, label) for name, version, classes in _CLASSIFIERS for label in classes]
    return Table(rows=rows, names=("classifier", "classifier_version", "class_name"))


def lsst_taxonomy():
    """LSST's classifiers as `alerce_zvar.archive.Archive.add_lsst` takes them."""
    rows = [(name, version, number, label) for name, version, number, classes in LSST_CLASSIFIERS for label in classes]
    return Table(rows=rows, names=("classifier", "classifier_version", "classifier_id", "class_name"))
