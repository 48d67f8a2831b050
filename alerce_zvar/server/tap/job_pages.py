"""Jobs in XML (IVOA, UWS 1.1, section 2.2)."""

from datetime import UTC, datetime

from alerce_zvar.votable import xml_attribute, xml_text

__all__ = ["job_page", "list_page", "parameters_page", "read_moment", "results_page"]

_NAMES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def job_page(job, url):
    """Document of one job; `url` is its address."""
    parts = [
        _element("jobId", job.key),
        _element("ownerId", None),
        _element("phase", job.phase),
        _element("quote", None),
        _element("creationTime", written_moment(job.created)),
        _element("startTime", written_moment(job.started)),
        _element("endTime", written_moment(job.ended)),
        _element("executionDuration", f"{job.duration:.0f}"),
        _element("destruction", written_moment(job.destruction)),
        _parameters(job),
        _results(job, url),
    ]
    if job.error:
        said = _element("message", job.error)
        parts.append(f'<uws:errorSummary type="fatal" hasDetail="true">{said}</uws:errorSummary>')
    return f'{_XML}<uws:job version="1.1" {_NAMES}>{"".join(parts)}</uws:job>'


def list_page():
    """Document of a list of jobs, which is empty: a job is known to those who know its name."""
    return f'{_XML}<uws:jobs version="1.1" {_NAMES}></uws:jobs>'


def parameters_page(job):
    """Document of a job's parameters."""
    return _XML + _parameters(job, f" {_NAMES}")


def results_page(job, url):
    """Document of a job's results."""
    return _XML + _results(job, url, f" {_NAMES}")


def written_moment(moment):
    """Time in UTC as UWS writes it; None for none."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read_moment(text):
    """Time that a text says, in UTC unless it says otherwise.

    Raises
    ------
    ValueError
        It says none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(text) from exc


def _element(name, text):
    if text is None:
        return f'<uws:{name} xsi:nil="true"/>'
    return f"<uws:{name}>{xml_text(text)}</uws:{name}>"


def _parameters(job, names=""):
    parts = "".join(
        f"<uws:parameter id={xml_attribute(key)}>{xml_text(str(value))}</uws:parameter>"
        for key, value in job.parameters.items()
    )
    return f"<uws:parameters{names}>{parts}</uws:parameters>"


def _results(job, url, names=""):
    if job.phase != "COMPLETED":
        return f"<uws:results{names}/>"
    place = xml_attribute(f"{url}/results/result")
    kind = f"mime-type={xml_attribute(job.media_type)}"
    return f'<uws:results{names}><uws:result id="result" xlink:href={place} {kind}/></uws:results>'
