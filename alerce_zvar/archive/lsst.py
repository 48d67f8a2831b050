"""ALeRCE's tables of LSST, from tables of a user."""

from alerce_zvar.alerce.schema import lsst
from alerce_zvar.archive import placing
from alerce_zvar.archive.results import put_classes, put_rows
from alerce_zvar.archive.tables import LSST_OBJECT

__all__ = ["add_lsst"]

# Argument -> (table, schema, what names the object, what tells rows apart)
_TABLES = {
    "objects": ("lsst_objects", LSST_OBJECT, "", ("oid",)),
    "detections": ("lsst_detections", lsst.DETECTIONS, "lsst_oid", ("oid", "measurement_id")),
    "forced_photometry": ("lsst_forced_photometry", lsst.FORCED_PHOTOMETRY, "lsst_oid", ("oid", "measurement_id")),
    "probabilities": (
        "lsst_probabilities",
        lsst.PROBABILITIES,
        "lsst_oid",
        ("oid", "classifier_name", "classifier_version", "class_name"),
    ),
}


def add_lsst(archive, radius, *, classifiers=None, **tables):
    """Store tables of LSST; see `Archive.add_lsst`."""
    with archive._importing(), archive.transaction():
        for name, (stored, schema, identifier, key) in _TABLES.items():
            if tables[name] is not None:
                put_rows(archive.write, stored, schema, tables[name], identifier, key)
        if tables["objects"] is not None:
            oids = {str(oid) for oid in tables["objects"]["oid"]}
            placing.place(archive.write, {"lsst_objects": oids}, radius)
        if classifiers is not None:
            put_classes(archive.write, "lsst_classifiers", lsst.CLASSIFIERS, classifiers)
