"""One DuckDB file that holds a local sky."""

import numpy as np
from astropy import units as u
from astropy.table import Table

from alerce_zvar.alerce import schema as alerce
from alerce_zvar.archive import alerts as alert_side
from alerce_zvar.archive import irsa, merge, usertable
from alerce_zvar.archive.alerce_import import import_alerce
from alerce_zvar.archive.catalog_archive import CatalogArchive
from alerce_zvar.archive.lsst import add_lsst
from alerce_zvar.archive.packets import import_alerts
from alerce_zvar.archive.period_archive import PeriodArchive
from alerce_zvar.archive.report import ImportReport, failure_table
from alerce_zvar.archive.results import put_classes, put_rows
from alerce_zvar.archive.search import cone_search
from alerce_zvar.archive.zvar_archive import ZvarArchive
from alerce_zvar.errors import ArchiveError

__all__ = ["Archive"]


class Archive(CatalogArchive, PeriodArchive, ZvarArchive):
    """A local sky: sources, light curves, epochs, periods, and ALeRCE's tables made from them.

    Made by `Archive.create` or `Archive.open`; closed by `close` or a ``with`` block. Many threads may read.

    Attributes
    ----------
    path : `~pathlib.Path`
        The file.
    """

    def import_irsa(self, paths, *, radius=merge.MATCH_RADIUS, alert_snr=None, progress=None):
        """What an import of ZTF data-release light curves did.

        Parameters
        ----------
        paths : str, path-like or iterable of them
            Files as IRSA serves them (CSV of 24 columns, plain or ``.gz``), or folders that hold such files.
        radius : `~astropy.units.Quantity`
            Light curves closer than this are of one source.
        alert_snr : float, optional
            As in `import_table`.
        progress : callable, optional
            Called as ``progress(done, total, what)``.

        Returns
        -------
        ImportReport
            A broken file is listed in ``failures``, and nothing of it is imported; it does not keep others back.

        Raises
        ------
        ArchiveError
            A path does not exist.
        ValueError
            ``radius`` or ``alert_snr`` cannot be used.

        Notes
        -----
        Each light curve keeps the median of its zero points and, as reference, its median magnitude. Rows with bit
        32768 of ``catflags`` are bad epochs: kept, never served. Rows already known, by ZTF object and exposure id,
        are left alone. Amplitude is p95 - p5 of the detections, our own choice (reference/zvar.md 2).

        In the ALeRCE side, difference fluxes are differences from that median: with the default ``alert_snr`` most of
        them are noise, and ``mag``, the magstats and the g-r colours without "corr" mean little.

        Ids and names (psid, oid) follow from the data of one import in one go. The same files imported in parts, or in
        another order, may be given others.
        """
        arcsec = merge.radius_in_arcsec(radius)
        snr = _checked_snr(alert_snr)
        files = irsa.find_files(paths)
        tell = progress or _silent
        with self._importing():
            failures = self._stage_files(files, tell)
            report = self._merge_staged(arcsec, True, snr, tell)
        return ImportReport(files=len(files), failures=failure_table(failures), **report)

    def import_table(
        self,
        table,
        *,
        coordinates=None,
        name=None,
        radius=merge.MATCH_RADIUS,
        alerts=True,
        alert_snr=None,
        progress=None,
    ):
        """What an import of one's own photometry did.

        Parameters
        ----------
        table : `~astropy.timeseries.TimeSeries` or `~astropy.table.Table`
            Columns ``time`` (`~astropy.time.Time`), ``band``, and either ``mag`` and ``mag_err`` [mag] or ``flux``,
            ``flux_err`` (difference flux [DN]), ``magzp`` and ``mag_ref`` [mag], constant in a light curve. Optional:
            ``limiting_mag`` [mag, 5 sigma], ``field``, ``ccd``, ``quad``, ``objtype``. A row without magnitude and flux
            is a non-detection with its ``limiting_mag``; one without that too is kept as a bad epoch. Times in TDB or
            TCB are taken as barycentric, those in any other scale as times at the Earth, which are turned into
            barycentric TDB. A table of many sources also has ``name``, ``ra`` and ``dec`` [deg].
        coordinates : `~astropy.coordinates.SkyCoord`, optional
            Position, when the table is of one source.
        name : str, optional
            Name of that source.
        radius : `~astropy.units.Quantity`
            A source of the archive closer than this is the same source; names of one table are never merged. The light
            curves of one name go together, by their mean position, and must lie within 60 arcsec of each other.
        alerts : bool
            Also make ALeRCE's object and detections.
        alert_snr : float, optional
            Least ratio of a difference flux, of either sign, to its error for an alert; other detections become
            ALeRCE's non-detections. ZTF's own is 5. The sources keep it for later imports; by default they keep what
            they have, and new ones have 0: every detection of the total flux is an alert. Then ``mag``, the magstats
            and the g-r colours without "corr" mean little for light curves in magnitudes, for they are of differences
            from the median.
        progress : callable, optional
            Called as ``progress(done, total, what)``.

        Returns
        -------
        ImportReport

        Raises
        ------
        ValueError, TypeError
            The table cannot be used.
        ArchiveError
            Two sources stand at the same position.
        """
        arcsec = merge.radius_in_arcsec(radius)
        snr = _checked_snr(alert_snr)
        columns = usertable.staged_columns(table, coordinates, name)
        with self._importing():
            self.write(merge.CREATE_RAW)
            self.write("INSERT INTO raw BY NAME SELECT * FROM given", given=columns)
            report = self._merge_staged(arcsec, alerts, snr, progress or _silent)
        return ImportReport(files=1, **report)

    def import_alerce(self, source, *, radius=merge.MATCH_RADIUS, progress=None):
        """What an import of ALeRCE's own answers did; the local server gives them back as they were.

        Parameters
        ----------
        source : str, path-like, mapping, or iterable of these
            A folder of recorded JSON answers, one such file, or answers in memory. ``INDEX.json`` in the folder lists
            objects with ``file``, ``url`` and, if not 200, ``status``; the address says what the file is. Any other
            file, like a mapping, has names of endpoints as keys (``object``, ``objects``, ``lightcurve``,
            ``detections``, ``non_detections``, ``forced_photometry``, ``magstats``, ``probabilities``, ``features``,
            ``classifiers``) and the decoded bodies as values, in the older or the newer form, and the object as
            ``oid``; of a file its name may hold that instead. ``survey`` is ``"ztf"`` or ``"lsst"``, by default
            ``"lsst"`` where the oid is a number.
        radius : `~astropy.units.Quantity`
            An object closer than this to a source without recorded object stands there; otherwise it gets a new source.
        progress : callable, optional
            Called as ``progress(done, total, what)``.

        Returns
        -------
        AlerceReport
            A broken file is listed in ``failures``, and nothing of it is imported; it does not keep others back.

        Raises
        ------
        ArchiveError
            A path does not exist, or its ``INDEX.json`` cannot be read.
        TypeError, ValueError
            ``source`` or ``radius`` cannot be used.

        Notes
        -----
        The same answers change nothing the second time. A later answer replaces all rows of its kind that the object
        had. Numbers, nulls and the bare NaN of features are kept as they were, and so is the order of rows, except that
        light curves are served in the order of time, as the service does. In other answers NaN is null. A page of
        objects names no version of its classifiers: of ZTF only the objects are taken from it, not their classes.

        What was recorded is never replaced by what `import_irsa` and `import_table` make of light curves at the same
        place. A source with a name that these gave it takes that of the object, and what was made under the old name
        and not recorded goes with it. Of a light curve without its object, the object is made from the detections.
        """
        return import_alerce(self, source, merge.radius_in_arcsec(radius), progress or _silent)

    def import_alerts(self, paths, *, radius=merge.MATCH_RADIUS, progress=None):
        """What an import of ZTF's alert packets did.

        Parameters
        ----------
        paths : str, path-like or iterable of them
            Avro files of one alert each, as ZTF and ALeRCE give them (schema 3 and 4), or folders that hold such files
            (``*.avro``).
        radius : `~astropy.units.Quantity`
            An object closer than this to a source that has none stands there; otherwise it gets a new source.
        progress : callable, optional
            Called as ``progress(done, total, what)``.

        Returns
        -------
        AlertReport
            A broken file is listed in ``failures``, and nothing of it is imported; it does not keep others back.

        Raises
        ------
        ArchiveError
            A path does not exist.
        ValueError
            ``radius`` cannot be used.
        MissingExtraError
            The extra ``alerts`` is not installed.

        Notes
        -----
        The files' bytes are kept; the local server gives them back, and cuts image stamps from them. Object,
        detections, non-detections and, from schema 4.01 on, forced photometry are made from all packets of an object as
        ALeRCE makes them, whatever the order of the imports, with corrected magnitudes by ALeRCE's formula
        (lc_correction).
        What was recorded from ALeRCE is left as it is. A packet that is known already, by its candid, is left alone.
        """
        return import_alerts(self, paths, merge.radius_in_arcsec(radius), progress or _silent)

    def add_probabilities(self, table):
        """Store classifications; those of the same object, classifier, version and class are replaced.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``oid`` and the columns of `alerce_zvar.alerce.schema.PROBABILITIES`.

        Raises
        ------
        ValueError, TypeError
            An object that the archive does not hold, or a column that is missing or cannot be used.
        """
        key = ("oid", "classifier_name", "classifier_version", "class_name")
        self._put("probabilities", alerce.PROBABILITIES, table, "oid", key)

    def add_features(self, table):
        """Store features; those of the same object, name, band and version are replaced.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``oid`` and the columns of `alerce_zvar.alerce.schema.FEATURES`.

        Raises
        ------
        ValueError, TypeError
            An object that the archive does not hold, or a column that is missing or cannot be used.
        """
        self._put("features", alerce.FEATURES, table, "oid", ("oid", "name", "fid", "version"))

    def add_forced_photometry(self, table):
        """Store forced photometry of ZTF; rows of the same object and candid are replaced.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``oid`` and the columns of `alerce_zvar.alerce.schema.FORCED_PHOTOMETRY`; what may be null may be left out.

        Raises
        ------
        ValueError, TypeError
            An object that the archive does not hold, or a column that is missing or cannot be used.
        """
        self._put("forced_photometry", alerce.FORCED_PHOTOMETRY, table, "oid", ("oid", "candid"))

    def add_classifiers(self, table):
        """Store ZTF's taxonomy; classes of the same classifier and version are replaced.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``classifier``, ``classifier_version`` and ``class_name``, one row for each class, in the order in which
            they are to be listed.

        Raises
        ------
        ValueError, TypeError
            A column that is missing or cannot be used.
        """
        with self.transaction():
            put_classes(self.write, "classifiers", alerce.CLASSIFIERS, table)

    def add_lsst(self, *, objects=None, detections=None, forced_photometry=None, probabilities=None, classifiers=None):
        """Store what ALeRCE has of LSST, all of it or nothing; rows that are known already are replaced.

        An object closer than 1.5 arcsec to a source without an object of LSST stands there; others get new sources.

        Parameters
        ----------
        objects : `~astropy.table.Table`, optional
            Columns of `alerce_zvar.alerce.schema.lsst.OBJECT`, and, where they are known, of ``OBJECT_EXTRA`` there and
            ``stellar``.
        detections, forced_photometry : `~astropy.table.Table`, optional
            Columns of the schemas ``DETECTIONS`` and ``FORCED_PHOTOMETRY`` there, with ``oid``; what may be null may be
            left out. Fluxes in nJy, times in TAI.
        probabilities : `~astropy.table.Table`, optional
            ``oid`` and the columns of the schema ``PROBABILITIES`` there.
        classifiers : `~astropy.table.Table`, optional
            ``classifier``, ``classifier_version``, ``class_name`` and, if known, ``classifier_id``, one row for each
            class, in the order in which they are to be listed.

        Raises
        ------
        ValueError, TypeError
            An object that is neither given nor held, or a column that is missing or cannot be used.
        """
        add_lsst(
            self,
            merge.radius_in_arcsec(merge.MATCH_RADIUS),
            objects=objects,
            detections=detections,
            forced_photometry=forced_photometry,
            probabilities=probabilities,
            classifiers=classifiers,
        )

    def _put(self, name, schema, table, identifier, key):
        with self.transaction():
            put_rows(self.write, name, schema, table, identifier, key)

    def sources(self):
        """Table of all sources: psid, oid and lsst_oid (ALeRCE's objects), name, ra and dec [deg], objtype."""
        found = self.query(
            "SELECT psid::VARCHAR AS psid, oid, name, ra, dec, objtype, lsst_oid::VARCHAR AS lsst_oid "
            "FROM sources ORDER BY sources.psid"
        )
        table = Table({key: _text(values) if values.dtype == object else values for key, values in found.items()})
        table["ra"].unit = table["dec"].unit = u.deg
        return table

    def cone_search(self, ra, dec, radius):
        """Sources inside cones, nearest first; see `alerce_zvar.archive.search.cone_search`."""
        return cone_search(self.query, ra, dec, radius)

    def _stage_files(self, files, tell):
        """Rows of the files to the temporary table ``raw``; (file, reason) of those that failed."""
        self.write(merge.CREATE_RAW)
        failures = []
        for done, path in enumerate(files):
            tell(done, len(files), path.name)
            try:
                irsa.stage_file(self.write, path)
            except ArchiveError as exc:
                failures.append((str(path), str(exc)))
        return failures

    def _merge_staged(self, arcsec, with_alerts, alert_snr, tell):
        tell(0, 1, "merging")
        with self.transaction():
            report = merge.merge(self, arcsec)
            if alert_snr is not None:
                alert_side.set_alert_snr(self.write, alert_snr)
            if with_alerts:
                alert_side.name_objects(self.write)
            alert_side.refresh(self.write)
        tell(1, 1, "merged")
        return report


def _checked_snr(alert_snr):
    if alert_snr is not None and not 0 <= alert_snr < np.inf:
        raise ValueError(f"alert_snr: a number from 0 is accepted, {alert_snr} was given.")
    return alert_snr


def _text(values):
    """Strings, masked where null; an empty column too has a string type."""
    text = np.array([value or "" for value in np.ma.filled(values, "")], dtype=str)
    return np.ma.array(text, mask=np.ma.getmaskarray(values)) if np.ma.is_masked(values) else text


def _silent(done, total, what):
    """No progress is told."""
