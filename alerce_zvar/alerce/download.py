"""Bulk download of what ALeRCE has of its objects into an archive."""

from alerce_zvar.alerce.schema import lsst
from alerce_zvar.alerce.service import AlerceService, check_survey
from alerce_zvar.errors import NotFoundError, ServiceError, UnavailableError
from alerce_zvar.wire.query import as_list, checked, documented

__all__ = ["DownloadQueries"]

_SIZE = 10  # objects of a chunk
_CLASSIFIERS = "classifiers"
# What can be kept of an object, by survey: word -> endpoints. The first of them say what the object is.
_WORDS = {
    "ztf": {
        "object": ("object",),
        "lightcurve": ("lightcurve",),
        "forced_photometry": ("forced_photometry",),
        "magstats": ("magstats",),
        "probabilities": ("probabilities",),
        "features": ("features",),
    },
    "lsst": {
        "object": ("object",),
        "lightcurve": ("detections",),
        "forced_photometry": ("forced_photometry",),
        "probabilities": ("probabilities",),
    },
}


class DownloadQueries(AlerceService):
    """The method that keeps what the services have."""

    @documented()
    def download(self, oids, archive, *, what=None, survey="ztf", progress=None, retry_failed=False, timeout=None):
        """What is known of objects into an archive, whose server then gives the same answers offline.

        An interrupted download, even by ``kill -9``, goes on where it was when it is called again: what is stored is
        not asked for again, nothing is stored twice, and the content is the same in the end.

        Parameters
        ----------
        oids : str, int, any list, Table column or iterator of them
            ALeRCE ids; an iterator is read only as far as the download is, so it may give millions.
        {archive}
        what : iterable of str, optional
            ``"object"``, ``"lightcurve"`` (detections and non-detections), ``"forced_photometry"``, ``"magstats"``,
            ``"probabilities"`` (with the list of all classes), ``"features"``; of LSST without magstats and features.
            By default all.
        survey : {"ztf", "lsst"}
            Whose objects.
        {download}

        Returns
        -------
        DownloadReport
            How many of how many; its ``failures`` is a table of what is not there, with the reasons.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or written, as when the disk is full; what was stored before is kept.
        UnavailableError
            Nobody was answered for ``conf.download_patience`` seconds. Shorter outages are waited out.
        TypeError, ValueError
            Ids, a survey or a word of ``what`` that cannot be used.

        Notes
        -----
        Objects are asked for one by one, of the services that tell every number as it is, never by TAP. Each chunk is
        stored in one transaction, with a note of its ids in the table ``downloads``.
        """
        from alerce_zvar.download.run import download

        check_survey(survey, "download")
        job = _Job(self, survey, _checked_words(what, survey), timeout)
        return download(job, oids, archive, progress=progress, retry_failed=retry_failed)


def _checked_words(what, survey):
    accepted = _WORDS[survey]
    words = tuple(accepted) if what is None else tuple(as_list(what)[0])
    wrong = [word for word in words if word not in accepted]
    if wrong or not words:
        raise ValueError(f"what: of {survey} there are {', '.join(accepted)}; {', '.join(map(repr, wrong))} was given")
    return tuple(word for word in accepted if word in words)


class _Job:
    """What a download wants of ALeRCE; see `alerce_zvar.download.run.download`. A content is of one object."""

    size, batched, opening = _SIZE, False, ()

    def __init__(self, service, survey, words, timeout):
        self._client, self._survey, self._timeout = service._of(survey), survey, timeout
        self.service = f"ALeRCE {survey.upper()}"
        self.transport = self._client.transport
        self.words = words
        self.general = (_CLASSIFIERS,) if "probabilities" in words else ()

    def checked(self, oid):
        """An id as text."""
        return checked(self._client.endpoints["object"].param("oid"), oid)

    def ask(self, lacking, deadline):
        """`Answered`, one request after the other."""
        from alerce_zvar.download.patience import Answered

        answered = Answered()
        for oid, words in lacking.items():
            self._ask(oid, words, answered, deadline)
        return answered

    def _ask(self, oid, words, answered, deadline):
        for place, word in enumerate(words):
            try:
                bodies = self._bodies(oid, word, deadline)
            except NotFoundError as error:
                if word == "object":  # and then it has nothing else
                    return answered.fail(oid, words[place:], error)
                answered.fail(oid, [word], error)
            except ServiceError as error:
                answered.fail(oid, [word], error)
            else:
                answered.contents += [{"oid": oid, "survey": self._survey} | body for body in bodies]
                answered.done.add((oid, word))

    def _bodies(self, oid, word, deadline):
        """Answers about an object, by the words that `Archive.import_alerce` knows them by."""
        if word == _CLASSIFIERS:
            return [{word: self._fetch(word, deadline)}]
        if self._survey == lsst.SURVEY:
            return self._lsst_bodies(oid, word, deadline)
        survey = {"survey": "ztf"} if word == "forced_photometry" else {}  # which else mixes in what ATLAS observed
        return [{endpoint: self._fetch(endpoint, deadline, oid=oid, **survey)} for endpoint in _WORDS["ztf"][word]]

    def _lsst_bodies(self, oid, word, deadline):
        """The service cuts forced photometry of a single object: it is named twice."""
        (endpoint,) = _WORDS[lsst.SURVEY][word]
        if word == "object":
            return self._lsst_object(oid, deadline)
        if word == "probabilities":
            return [{endpoint: self._fetch(endpoint, deadline, oid=oid)}]
        oids = [oid, oid] if word == "forced_photometry" else [oid]
        return [{endpoint: self._fetch(endpoint, deadline, survey=lsst.SURVEY, oid=oids)}]

    def _lsst_object(self, oid, deadline):
        """With LSST's own columns, and without, which has when it was changed. It fails for what it does not know."""
        try:
            return [
                {"object": self._fetch("object", deadline, survey=lsst.SURVEY, oid=oid, **extra)}
                for extra in ({"survey_extra": True}, {})
            ]
        except UnavailableError as error:
            if error.status == self._client.endpoints["object"].unknown and not self._fetch(
                "detections", deadline, survey=lsst.SURVEY, oid=[oid]
            ):
                raise NotFoundError("No detection of it is known.", url=error.url, status=error.status) from None
            raise

    def _fetch(self, endpoint, deadline, **values):
        query = self._client.query(endpoint, **values)
        return self._client.fetch_part(query, deadline, timeout=self._timeout)[0]

    @staticmethod
    def store(run, contents):
        """Put contents into the archive, inside the caller's transaction."""
        from alerce_zvar.archive.alerce_import import store_answers_of

        store_answers_of(run, contents)

    @staticmethod
    def parts(content, identifier):
        """What of a content is of one id."""
        return [content] if content["oid"] == identifier else []
