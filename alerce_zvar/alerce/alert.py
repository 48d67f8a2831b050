"""Alert: what one packet of ZTF says, as tables with units, and its bytes."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from astropy import units as u
from astropy.table import Row, Table

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.cutouts import FORMATS, assemble
from alerce_zvar.errors import ReplyError, shown
from alerce_zvar.files import write_file
from alerce_zvar.packets import CUTOUTS, SIGNS, CutShortError, PacketError, mjd_of, read_packet
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.spec import Column, TableSchema

__all__ = ["Alert", "check_format", "parse_alert", "target_file"]

_DTYPES = {"string": "str", "int": "int64", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool"}
# Units as ZTF's schema writes them at the end of a description.
_UNITS = {
    "mag": u.mag, "pixels": u.pix, "deg": u.deg, "arcsec": u.arcsec, "days": u.d, "DN": u.DN, "sec": u.s,
    "mag^2": u.mag**2,
}  # fmt: skip
_NOTHING = (-999, -99999, "null")  # for what is not there, besides null itself
_JD_UTC = ("jd", "utc")
_FLUXES = {"forcediffimflux": "flux", "forcediffimfluxunc": "flux_err"}
# Our columns by the names that they have in a packet. In one of a schema without forced photometry there are but these.
_DETECTION_WORDS, _LIMIT_WORDS, _FORCED_WORDS = (
    {column.wire: column for column in table.columns}
    for table in (schema.DETECTIONS, schema.NON_DETECTIONS, schema.FORCED_PHOTOMETRY)
)
_FIRST = ("candid", "time", "band", "mag", "mag_err", "isdiffpos", "flux", "flux_err", "limiting_mag", "ra", "dec")
_NO_FORCED = tuple(
    {"name": name, "type": kind, "doc": doc}
    for name, kind, doc in (
        ("jd", "double", "[days]"),
        ("fid", "int", ""),
        ("diffmaglim", "float", "[mag]"),
        ("forcediffimflux", "float", "[DN]"),
        ("forcediffimfluxunc", "float", "[DN]"),
        ("procstatus", "string", ""),
    )
)
# Of an exposure without a detection; the other fields of a previous candidate are null there.
_OF_EXPOSURE = (
    "mjd", "fid", "diffmaglim", "pid", "nid", "field", "rcid", "programid", "programpi", "pdiffimfilename", "magzpsci",
    "magzpsciunc", "magzpscirms", "clrcoeff", "clrcounc",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Alert:
    """One alert of ZTF.

    Columns are called as in `AlerceClass.query_detections` where it has them, else as in ZTF's own schema, from which
    their units and descriptions come. What ZTF writes as -999, -99999 or "null" is masked.

    Attributes
    ----------
    oid, candid : str
        Object and detection.
    schema_version : str
        Of ZTF's schema, such as ``"3.3"``.
    candidate : `~astropy.table.Row`
        The detection that raised the alert: ``candid, time`` (UTC), ``band, mag, mag_err, isdiffpos, ra, dec, ...``
    previous_detections : `~astropy.table.Table`
        Detections at the same place in the 30 days before, with the same columns as far as ZTF repeats them.
    non_detections : `~astropy.table.Table`
        Exposures of those days without a detection: ``time, band, limiting_mag, ...``
    forced_photometry : `~astropy.table.Table`
        Difference fluxes measured at the place whether or not there was a detection, ``time, band, flux, flux_err``
        [DN], ...; schemas before 4.01 have none.
    raw : bytes
        The packet, an Avro file.
    meta : dict
        Where it came from.
    """

    oid: str
    candid: str
    schema_version: str
    candidate: Row
    previous_detections: Table
    non_detections: Table
    forced_photometry: Table
    raw: bytes
    meta: dict = field(default_factory=dict)
    _cutouts: tuple = ()

    def __repr__(self):
        counts = f"{len(self.previous_detections)} previous detections, {len(self.non_detections)} non-detections"
        return f"<Alert {self.candid} of {self.oid}, MJD {self.candidate['time'].mjd:.5f}, {counts}>"

    def stamps(self, *, format="hdulist"):
        """Science, template and difference image of this alert, from its own bytes.

        Parameters
        ----------
        format : {"hdulist", "numpy", "ccddata"}
            As in `AlerceClass.get_stamps`.

        Returns
        -------
        `~astropy.io.fits.HDUList` or Stamps

        Raises
        ------
        ReplyError
            The packet lacks an image, or one cannot be read.
        ValueError
            Another format.
        """
        check_format(format)
        if None in self._cutouts:
            raise ReplyError("The packet lacks an image.", url=self.meta.get("url", ""))
        told = {"oid": self.oid, "candid": self.candid, "survey": "ztf", "selection": "of the alert"}
        return assemble(self._cutouts, format, self.meta | told, url=self.meta.get("url", ""))

    def write(self, path, *, overwrite=False):
        """Write the packet's bytes to a file, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            File, or folder in which it will be called ``<candid>.avro``.
        overwrite : bool
            Replace a file that is there.

        Returns
        -------
        `~pathlib.Path`

        Raises
        ------
        FileExistsError
            The file is there already.
        FileNotFoundError
            The folder is not.
        """
        path = target_file(path, self.candid, overwrite)
        write_file(path, self.raw)
        return path


def check_format(format):
    """Refuse a format of stamps that there is not."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; not {shown(format)}")


def target_file(path, candid, overwrite):
    """File to write an alert to."""
    path = Path(path)
    path = path / f"{candid}.avro" if path.is_dir() else path
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path.parent}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; pass overwrite=True to replace it")
    return path


def parse_alert(raw, *, url="", meta=None):
    """Alert of a packet's bytes.

    Raises
    ------
    ReplyError
        It is no alert packet of ZTF; ``passing`` where it is cut short.
    MissingExtraError
        The extra ``alerts`` is not installed.
    """
    try:
        record, written_by = read_packet(raw)
    except PacketError as exc:
        cut = isinstance(exc, CutShortError)
        raise ReplyError(f"The answer is no alert packet: {exc}.", passing=cut, url=url) from exc
    kinds = {each["name"]: _fields_of(each["type"]) for each in written_by["fields"]}
    previous = record.get("prv_candidates") or []
    told = {"oid": record["objectId"], "candid": str(record["candid"])}

    def table(name, rows, words, only=None):
        described = TableSchema(name, "From an alert.", tuple(_columns(kinds.get(name, _NO_FORCED), words, only)))
        made = decode_table([_plain(row) for row in rows], described, url=url)
        made.meta = {"table": name, **told}
        return made

    detected = [row for row in previous if row.get("candid") is not None]
    limits = [row for row in previous if row.get("candid") is None]
    return Alert(
        **told,
        schema_version=str(record.get("schemavsn", "")),
        candidate=table("candidate", [record["candidate"]], _DETECTION_WORDS)[0],
        previous_detections=table("prv_candidates", detected, _DETECTION_WORDS),
        non_detections=table("prv_candidates", limits, _LIMIT_WORDS, _OF_EXPOSURE),
        forced_photometry=table("fp_hists", record.get("fp_hists") or [], _FORCED_WORDS),
        raw=bytes(raw),
        meta=dict(meta or {}),
        _cutouts=tuple((record.get(key) or {}).get("stampData") for key in CUTOUTS.values()),
    )


def _fields_of(kind):
    """Fields of the records that a type holds, however wrapped; none for other types."""
    if isinstance(kind, list):
        return next((fields for branch in kind if (fields := _fields_of(branch))), ())
    if isinstance(kind, dict):
        return kind.get("fields") or _fields_of(kind.get("items"))
    return ()


def _columns(fields, words, only):
    """Columns for the fields of a record, the usual ones first."""
    found = [column for field in fields if (column := _column(field, words, only))]
    return sorted(found, key=lambda column: _FIRST.index(column.name) if column.name in _FIRST else len(_FIRST))


def _column(field, words, only):
    """Ours where there is one, else after ZTF's own description; None for what is no column."""
    wire = "mjd" if field["name"] == "jd" else field["name"]
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    kind = next((kind for kind in kinds if kind in _DTYPES), None)
    if kind is None or (only and wire not in only):
        return None
    doc = field.get("doc", "")
    if wire in words:
        column = replace(words[wire], nullable=words[wire].nullable or "null" in kinds, required=False)
    else:
        name, time = _FLUXES.get(wire, wire), _JD_UTC if wire.startswith("jd") else None
        told = {"name": name, "wire": wire, "dtype": _DTYPES[kind], "ucd": "", "description": doc}
        column = Column(**told, nullable=True, time=time)
    unit = re.search(r"\[([^\]]*)\]\s*$", doc)
    known = None if column.time or unit is None else _UNITS.get(unit[1])
    return replace(column, unit=known or column.unit)


def _plain(row):
    """Fields of a record as `decode_table` takes them."""
    plain = {key: None if value in _NOTHING else value for key, value in row.items()}
    return plain | {"mjd": mjd_of(row["jd"]), "isdiffpos": SIGNS.get(row.get("isdiffpos"))}
