"""Runs in a process of its own: calls methods of the unmodified client ``alerce`` and writes down what became of each.

Usage: python official_script.py calls.json answers.json, with ALERCE_CONFIG_PATH set. A call is a dict of ``key``,
``method``, ``arguments`` and whether it is made in a ``notebook``.
"""

import json
import sys
import warnings
from pathlib import Path

from alerce.core import Alerce
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config


def in_notebook(method, arguments):
    """What the client shows in a notebook: HTML, or pictures."""
    import matplotlib.pyplot as plt

    settings = Config({"IPKernelApp": {"quiet": True}})  # by which the client knows a notebook
    settings.HistoryManager.enabled = False
    InteractiveShell.instance(config=settings)
    with capture_output() as shown:
        method(**arguments)
    axes = [plt.figure(number).axes for number in plt.get_fignums()]
    figures = [[picture.get_array().shape for part in parts for picture in part.images] for parts in axes]
    plt.close("all")
    InteractiveShell.clear_instance()
    html = [output.data["text/html"] for output in shown.outputs if "text/html" in output.data]
    return {"html": html, "figures": figures}


def frame(answer):
    return {"rows": len(answer), "columns": list(answer.columns), "text": answer.to_csv()}


def series(answer):
    return {"rows": 1, "columns": list(answer.index), "text": str(answer)}


def table(answer):
    units = {name: str(answer[name].unit) for name in answer.colnames}
    return {"rows": len(answer), "columns": answer.colnames, "units": units}


def hdu_list(answer):
    return {"images": [image(hdu.data, hdu.header.get("STAMP_TYPE")) for hdu in answer]}


def image(data, name=None):
    """Its name, size, and the pixel in the middle."""
    return [name, *data.shape, float(data[data.shape[0] // 2, data.shape[1] // 2])]


DESCRIPTIONS = {
    "DataFrame": frame,
    "Series": series,
    "Table": table,
    "HDUList": hdu_list,
    "PrimaryHDU": lambda answer: hdu_list([answer]),
    "bytes": lambda answer: {"start": answer[:60].decode("latin-1"), "size": len(answer)},
}


def described(answer):
    """An answer in words that JSON has."""
    if type(answer).__name__ in DESCRIPTIONS:
        return DESCRIPTIONS[type(answer).__name__](answer)
    items = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
    kinds = {type(item).__name__ for item in items}
    if kinds and kinds <= DESCRIPTIONS.keys():
        return {"parts": {key: {"type": type(item).__name__, **described(item)} for key, item in answer.items()}}
    if kinds == {"ndarray"}:
        return {"images": [image(data) for data in answer]}
    return {"answer": answer}


def outcome(client, call):
    method = getattr(client, call["method"])
    try:
        if call.get("notebook"):
            return {"type": "", **in_notebook(method, call["arguments"])}
        answer = method(**call["arguments"])
        return {"type": type(answer).__name__, **described(answer)}
    except Exception as error:
        frames, trace = [], error.__traceback__
        while trace:
            code = trace.tb_frame.f_code
            frames.append([Path(code.co_filename).parts[-2:], code.co_name])
            trace = trace.tb_next
        told = {"code": getattr(error, "code", None), "message": getattr(error, "message", None)}
        return {"error": type(error).__name__, "module": type(error).__module__, "frames": frames, **told}


def main(calls, answers):
    warnings.simplefilter("ignore")
    given = json.loads(Path(calls).read_text(encoding="utf-8"))
    client = Alerce(**given["constructor"])
    found = {call["key"]: outcome(client, call) for call in given["calls"]}
    Path(answers).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
