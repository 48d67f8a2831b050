"""What users of the client ``alerce`` write here instead. Data only: the page of the documentation is made of it.

Names and releases are those of reference/alerce.md 11.1, what changed stands in 11.5 and 14 there. A call is Python
that a test runs, with ``oid``, ``candid``, ``lsst_oid``, ``position``, ``address`` and ``folder`` as what they say.
"""

from dataclasses import dataclass

__all__ = ["EXCEPTIONS", "FORMATS", "KEYWORDS", "LSST", "METHODS", "SECTIONS", "Row"]

_1X, _23 = "1.x", "2.3.1"
_BOTH = (_1X, _23)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing of the old client, and ours.

    Parameters
    ----------
    old : str
        Its name there.
    call : str
        What to write here; of an exception, what raises ours.
    gives : str
        Class of what the call gives, or of what it raises; empty where it gives nothing.
    releases : tuple of str
        Which of the documentation of the 1.x releases and release 2.3.1 have it.
    changed : str
        What is different, as reStructuredText.
    """

    old: str
    call: str
    gives: str
    changed: str
    releases: tuple[str, ...] = _BOTH


METHODS = (
    Row(
        old="Alerce",
        call="AlerceClass(url=address)",
        gives="AlerceClass",
        changed="``Alerce`` itself is ready to be asked, at ALeRCE's own addresses. What the old constructor took "
        "as keywords goes to ``load_config``; in 2.3.1 they reach catsHTM only, and all others are ignored "
        "without a word.",
    ),
    Row(
        old="load_config_from_object",
        call='Alerce.load_config({"ZTF_API_URL": address})',
        gives="",
        changed="The old keys and ours; all of them are taken, or none, and an unknown key is an error. In 2.3.1 it "
        "moves catsHTM only. Paths cannot be changed, as ``ZTF_ROUTES`` could.",
    ),
    Row(
        old="load_config_from_file",
        call='Alerce.load_config(folder / "config.json")',
        gives="",
        changed="JSON or TOML. The file that ``ALERCE_CONFIG_PATH`` names for 2.3.1 can be given as it is; the "
        "variable itself is not read.",
        releases=(_1X,),
    ),
    Row(
        old="ztf_url",
        call="repr(Alerce)",
        gives="str",
        changed="The address is also in ``meta['url']`` of every answer, and a setting, ``conf.alerce_url``.",
        releases=(_1X,),
    ),
    Row(
        old="query_objects",
        call='Alerce.query_objects(classifier="lc_classifier", class_name="E", ndet=[20, 5000])',
        gives="AnswerTable",
        changed="All pages up to ``row_limit``, not one of ten rows, in a definite order. A single number is the "
        "least ``ndet``; times may be `~astropy.time.Time`. ``one_row_per_object=True`` leaves out the "
        "repetitions by versions of the classifier. Keywords: see below.",
    ),
    Row(
        old="query_object",
        call="Alerce.query_object(oid)",
        gives="AnswerTable",
        changed="A table of one row, or of one per id of a list; there, ``format='votable'`` fails.",
    ),
    Row(
        old="query_lightcurve",
        call="Alerce.get_lightcurve(oid, include_upper_limits=True)",
        gives="TimeSeries",
        changed="A `~astropy.timeseries.TimeSeries` of what is usable instead of two lists of rows; many objects "
        "with ``get_lightcurves``. The rows as they are: ``query_detections``, ``query_non_detections``.",
    ),
    Row(
        old="query_detections",
        call="Alerce.query_detections(oid)",
        gives="AnswerTable",
        changed="Columns have our names and units (``mag`` for magpsf, ``time`` for mjd, ``band`` for fid), 100.0 "
        "is masked, and candid is text. There, rows differ in their keys.",
    ),
    Row(
        old="query_non_detections",
        call="Alerce.query_non_detections(oid)",
        gives="AnswerTable",
        changed="``limiting_mag`` for diffmaglim.",
    ),
    Row(
        old="query_forced_photometry",
        call="Alerce.query_forced_photometry(oid)",
        gives="AnswerTable",
        changed="What stands in ``extra_fields`` are columns too; 100.0 and -99999 are masked. There, "
        "``format='csv'`` fails.",
        releases=(_23,),
    ),
    Row(
        old="query_magstats",
        call="Alerce.query_magstats(oid)",
        gives="AnswerTable",
        changed="The columns that the service still gives, 15 of the 26 in its old documentation.",
    ),
    Row(
        old="query_probabilities",
        call='Alerce.query_probabilities(oid, classifier="lc_classifier")',
        gives="AnswerTable",
        changed="``classifier`` and ``classifier_version`` choose, which 2.3.1 refuses.",
    ),
    Row(
        old="query_features",
        call='Alerce.query_features(oid, version="all")',
        gives="AnswerTable",
        changed="Without ``version`` only the latest, not all; ``wide=True`` makes one row per object. Not-a-number "
        "is masked.",
    ),
    Row(
        old="query_feature",
        call='Alerce.query_feature(oid, "Power_rate_1/2")',
        gives="AnswerTable",
        changed="The latest version unless ``version`` says otherwise. Names with a slash work.",
    ),
    Row(
        old="query_classifiers",
        call="Alerce.list_classifiers()",
        gives="AnswerTable",
        changed="One row per version. These are versions of the taxonomy; those of stored probabilities have other "
        "names.",
    ),
    Row(
        old="query_classes",
        call='Alerce.list_classes("lc_classifier", classifier_version="hierarchical_random_forest_1.0.0")',
        gives="AnswerTable",
        changed="The version may be left out.",
    ),
    Row(
        old="get_stamps",
        call="Alerce.get_stamps(oid, candid)",
        gives="HDUList",
        changed="Formats ``'hdulist'``, ``'numpy'`` and ``'ccddata'``, of LSST too. Without a candid it is the "
        "earliest detection with a stamp, and the result says which. An unknown one raises "
        "`~alerce_zvar.errors.NotFoundError`, not ``gzip.BadGzipFile``. ``measurement_id`` of LSST goes "
        "where candid goes.",
    ),
    Row(
        old="plot_stamps",
        call="alerce_zvar.plot.plot_stamps(Alerce.get_stamps(oid))",
        gives="Figure",
        changed="A matplotlib figure, anywhere; there, only a notebook shows something.",
    ),
    Row(
        old="get_avro",
        call="Alerce.get_alert(oid, candid)",
        gives="Alert",
        changed="The packet read, and its bytes as ``raw``; ``download_alert`` writes the file. An answer that is "
        "no packet is an error. LSST's packets are not stored by the service.",
    ),
    Row(
        old="catshtm_conesearch",
        call='CatsHTM.query_region(position, radius="60 arcsec")',
        gives="CatalogTables",
        changed="Many positions at once. With ``catalog=`` a table, without a source an empty one and not None. "
        "Units that astropy rejects are understood.",
    ),
    Row(
        old="catshtm_crossmatch",
        call='CatsHTM.query_crossmatch(position, radius="5 arcsec", catalog="GAIA/DR2")',
        gives="AnswerTable",
        changed="Many positions at once; always a table, with ``separation``; there, one row is a Series.",
    ),
    Row(
        old="catshtm_redshift",
        call='CatsHTM.query_redshift(host, radius="10 arcsec")',
        gives="AnswerTable",
        changed="A row per position, with the catalogue and the column that it is from; there, a null "
        "raises TypeError. The catalogue name of the old example was taken for ``format``, and ignored.",
    ),
    Row(
        old="catshtm_catalog_translator",
        call="CatsHTM.list_catalogs()",
        gives="Table",
        changed="Every method takes both spellings, such as GAIADR2 and GAIA/DR2.",
    ),
    Row(
        old="CATALOG_TRANSLATE",
        call="CatsHTM.list_catalogs()",
        gives="Table",
        changed="As above; also CRTS, which the old one leaves out.",
        releases=(_23,),
    ),
    Row(
        old="send_query",
        call='Alerce.query_tap("SELECT TOP 5 oid, ndet FROM ztf.object ORDER BY ndet DESC")',
        gives="AnswerTable",
        changed="Its server is gone, and 2.x has no such method. The database is reached by TAP now: ADQL instead "
        "of PostgreSQL's dialect, tables in the schemas ``ztf`` and ``alerce_tap``.",
        releases=(_1X,),
    ),
)

LSST = tuple(
    Row(old=old, call=call, gives=gives, changed=changed, releases=(_23,))
    for old, call, gives, changed in (
        (
            "query_objects",
            'Alerce.query_objects(survey="lsst", class_name="VS", ndet=10)',
            "AnswerTable",
            "``ndet`` for n_det. An object repeats once for each classifier.",
        ),
        (
            "query_object",
            'Alerce.query_object(lsst_oid, survey="lsst", survey_extra=True)',
            "AnswerTable",
            "Ids are exact; an unknown one is `~alerce_zvar.errors.NotFoundError`.",
        ),
        (
            "query_detections",
            'Alerce.query_detections(lsst_oid, survey="lsst")',
            "AnswerTable",
            "Fluxes in nJy, times in TAI; a flux of exactly 0.0 is none and masked.",
        ),
        (
            "query_forced_photometry",
            'Alerce.query_forced_photometry(lsst_oid, survey="lsst")',
            "AnswerTable",
            "All rows; there, the service cuts a single object's at ten.",
        ),
        (
            "query_lightcurve",
            'Alerce.get_lightcurve(lsst_oid, survey="lsst", photometry="forced")',
            "TimeSeries",
            "As of ZTF, with fluxes.",
        ),
        ("query_probabilities", 'Alerce.query_probabilities(lsst_oid, survey="lsst")', "AnswerTable", "As of ZTF."),
        (
            "query_classifiers",
            'Alerce.list_classifiers(survey="lsst")',
            "AnswerTable",
            "There, not implemented.",
        ),
        (
            "query_classes",
            'Alerce.list_classes("stamp_classifier_rubin_beta", survey="lsst")',
            "AnswerTable",
            "There, not implemented.",
        ),
        (
            "get_stamps",
            'Alerce.get_stamps(lsst_oid, survey="lsst", include_variance_and_psf=True)',
            "HDUList",
            "Not a dict; ``format`` is heeded.",
        ),
        (
            "plot_stamps",
            'alerce_zvar.plot.plot_stamps(Alerce.get_stamps(lsst_oid, survey="lsst"))',
            "Figure",
            "North is up, by the WCS.",
        ),
    )
)

KEYWORDS = (
    Row(
        old="ra, dec, radius",
        call='Alerce.query_region(position, radius="5 arcsec")',
        gives="AnswerTable",
        changed="One `~astropy.coordinates.SkyCoord` of any number of positions, and a radius with its unit. A "
        "right ascension or declination of 0 works.",
    ),
    Row(
        old="page, page_size, count",
        call="Alerce.query_objects(ndet=1, row_limit=-1)",
        gives="AnswerTable",
        changed="Pages are read for you; a cut at ``row_limit`` is announced by a warning.",
    ),
    Row(
        old="order_by",
        call='Alerce.query_objects(ndet=1, order_by="lastmjd", order_mode="DESC")',
        gives="AnswerTable",
        changed="What the service still takes. Ten names of the old documentation, such as ndethist and deltamjd, "
        "are refused by it now, and here before anything is sent.",
    ),
    Row(
        old="oid",
        call="Alerce.query_objects(oid=oids)",
        gives="AnswerTable",
        changed="Any list; what is not found stands in ``failures``.",
    ),
    Row(
        old="survey",
        call='Alerce.query_objects(survey="ztf", ndet=1)',
        gives="AnswerTable",
        changed="``'ztf'`` unless said otherwise, by keyword only, in every method.",
        releases=(_23,),
    ),
    Row(
        old="index",
        call='Alerce.query_objects(ndet=1).to_pandas(index="oid")',
        gives="DataFrame",
        changed="A keyword of ``to_pandas``.",
    ),
    Row(
        old="sort",
        call='Alerce.query_objects(ndet=1).to_pandas().sort_values("ndet")',
        gives="DataFrame",
        changed="``sort`` of the table itself, or pandas' own.",
    ),
)

FORMATS = (
    Row(
        old="pandas",
        call="Alerce.query_detections(oid).to_pandas()",
        gives="DataFrame",
        changed="Identifiers stay exact, and columns keep their types whatever is masked.",
    ),
    Row(
        old="votable",
        call="Alerce.query_detections(oid).to_votable()",
        gives="VOTableFile",
        changed="What the old client calls so is an astropy table, which every answer here is already, with units "
        "and descriptions. ``to_votable`` makes the file.",
    ),
    Row(
        old="json",
        call="Alerce.query_detections(oid).to_jsonl()",
        gives="str",
        changed="One object per line.",
    ),
    Row(
        old="csv",
        call="Alerce.query_detections(oid).to_pandas().to_csv()",
        gives="str",
        changed="Without units and types: for anything but a spreadsheet, ``write(..., format='ascii.ecsv')`` keeps "
        "both.",
        releases=(_23,),
    ),
)

EXCEPTIONS = (
    Row(
        old="ZTFAPIError",
        call="Alerce.query_object('ZTF00aaaaaaa')",
        gives="ServiceError",
        changed="The root of what a service may do wrong; the old name never existed in code.",
        releases=(_1X,),
    ),
    Row(
        old="APIError",
        call="Alerce.query_object('ZTF00aaaaaaa')",
        gives="ServiceError",
        changed="With the address and the service's own words, which the old one drops.",
        releases=(_23,),
    ),
    Row(
        old="ParseError",
        call='Alerce.query_objects(order_by="ndethist")',
        gives="ValueError",
        changed="Wrong arguments are refused before anything is sent; what only the service can refuse raises "
        "`~alerce_zvar.errors.InvalidQueryError`.",
    ),
    Row(
        old="ObjectNotFoundError",
        call="Alerce.query_object('ZTF00aaaaaaa')",
        gives="NotFoundError",
        changed="For one id; of a list, the missing ones stand in ``failures``. A search without a match was never "
        "an error, and warns here.",
    ),
    Row(
        old="FormatValidationError",
        call='Alerce.query_detections(oid, format="jsno")',
        gives="TypeError",
        changed="Queries take no ``format``; see the table of formats.",
    ),
    Row(
        old="CandidError",
        call='Alerce.get_stamps(oid, "1")',
        gives="NotFoundError",
        changed="Also where no detection of the object has a stamp, which raises ``ValueError: cannot convert float "
        "NaN`` there.",
        releases=(_23,),
    ),
)

SECTIONS = {"methods": METHODS, "lsst": LSST, "keywords": KEYWORDS, "formats": FORMATS, "exceptions": EXCEPTIONS}
