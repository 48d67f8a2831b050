"""The explorer in JupyterLab, in a real browser with a real kernel: what is pressed reaches Python, and back."""

import json
import os
import signal
import socket
import subprocess
import sys
from threading import Thread, Timer

import pytest
from numpy.testing import assert_allclose

from alerce_zvar.plot.model import build_fold_model

TOKEN = "made-up"
SHIFT, ENTER = "\ue008", "\ue007"  # as WebDriver names keys
IDLE = """return document.querySelectorAll(".jp-Notebook .jp-InputPrompt").length === arguments[0]
  && document.querySelector(".jp-Notebook-ExecutionIndicator[data-status=idle]") !== null;"""
DONE = r"return /\[\d+\]/.test(document.querySelectorAll('.jp-Notebook .jp-InputPrompt')[arguments[0]].textContent);"
CODE = """
import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries

def star(period, seed):
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(58200, 59900, 200))
    curve = TimeSeries(time=Time(days, format="mjd", scale="tdb"))
    curve["band"] = rng.choice(["g", "r"], 200)
    curve["mag"] = (17 + 0.3 * np.cos(2 * np.pi * days / period) + rng.normal(0, 0.02, 200)) * u.mag
    curve["mag_err"] = np.full(200, 0.02) * u.mag
    return curve

curves = {"known": star(0.5713, 0), "<b>searched</b>": star(0.31, 1)}
"""
CELLS = [
    CODE,
    """
import ipywidgets
from alerce_zvar.plot import explore
explorer = explore(curves, {"known": 0.5713 * u.day})
explorer
""",
    """
told = ipywidgets.HTML()
def tell(_):
    told.value = f"<p id='told'>{explorer.object_id[:1]} {explorer.period} {len(explorer.kept_periods)}</p>"
explorer.observe(tell, ["index", "period", "kept"])
back = ipywidgets.Button(description="back")
back.on_click(lambda _: explorer.set(object="known", period=7 * u.h, n_bins=20, cycles=1))
ipywidgets.VBox([told, back])
""",
]


def notebook():
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for i, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """Address of a notebook in JupyterLab."""
    for package in ("jupyterlab", "anywidget", "ipykernel"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("lab")
    folder.joinpath("stars.ipynb").write_text(notebook(), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(folder / name.lower()) for name in places} | {"JUPYTER_PREFER_ENV_PATH": "1"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--notebook-dir={folder}"]
    command += [
        "--ServerApp.port_retries=0",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=os.environ | own, cwd=folder, **pipes) as server:
        try:
            await_server(server, f"http://127.0.0.1:{port}/lab")
            yield f"http://127.0.0.1:{port}/lab/tree/stars.ipynb?token={TOKEN}&reset"
        finally:
            server.send_signal(signal.SIGTERM)  # it ends its kernels


def await_server(server, address, seconds=60):
    """Until it says where it is; from then on its log is thrown away."""
    late, said = Timer(seconds, server.kill), []
    late.start()
    for line in server.stdout:
        said.append(line)
        if address in line:
            break
    else:
        pytest.fail(f"JupyterLab did not start: {''.join(said)[-2000:]}")
    late.cancel()
    Thread(target=server.stdout.read, daemon=True).start()


@pytest.fixture(scope="module")
def page(browser, lab):
    """The notebook with all its cells run."""
    browser.size(1280, 1400)
    browser.open(lab)
    browser.wait(IDLE, len(CELLS), seconds=60)
    browser.find(".jp-Notebook .jp-Cell .cm-content").click()
    for number in range(len(CELLS)):
        browser.press(ENTER, held=SHIFT)
        browser.wait(DONE, number, seconds=100)
    browser.wait("return document.querySelector('.az-folded .az-plot')?.data?.length")
    browser.run("document.querySelectorAll('.Toastify').forEach((toast) => toast.remove())")
    yield browser
    browser.open("about:blank")


@pytest.fixture(scope="module")
def curves():
    made = {}
    exec(CODE, made)  # the notebook's own light curves
    return made["curves"]


def told(page, wanted):
    """What Python says, once it begins so."""
    text = "document.getElementById('told')?.textContent"
    return page.wait(f"return {text}?.startsWith(arguments[0]) && {text}", wanted)


def press(page, text):
    button = page.run(
        "return [...document.querySelectorAll('button')].find((b) => b.textContent === arguments[0])", text
    )
    page.run("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()


def assert_drawn(page, model):
    """The folded plot holds the numbers of a model."""
    data = "document.querySelector('.az-folded .az-plot').data"
    traces = page.run(f"return {data}.map(({{ x, y, meta }}) => ({{ x, y, ...meta }}))")
    for kind, parts in (("points", model.traces), ("bins", [one.bins for one in model.traces if one.bins])):
        drawn = [one for one in traces if one["kind"] == kind]
        assert len(drawn) == len(parts)
        for found, part in zip(drawn, parts, strict=True):
            assert_allclose(found["x"], part.phase, rtol=0, atol=1e-11)
            assert_allclose(found["y"], part.value, rtol=1e-12)


def test_pressing_reaches_python_and_back(page, curves):
    from astropy import units as u

    known = curves["known"]
    assert_drawn(page, build_fold_model(known, 0.5713 * u.day))
    press(page, "×2")
    assert told(page, "k 1.1426 d 0")
    assert_drawn(page, build_fold_model(known, 1.1426 * u.day))
    press(page, "Keep this period")
    assert told(page, "k 1.1426 d 1")
    page.press("n")  # the keyboard is the explorer's while it has the focus; the period is searched now
    text = told(page, "< 0.").split()
    assert_allclose(float(text[1]), 0.31, rtol=1e-3)
    page.wait("return document.querySelector('.az-periodogram .az-plot')?.data?.length")
    assert page.find(".az h2").text == "<b>searched</b>"
    press(page, "back")
    assert told(page, "k 0.291")
    model = build_fold_model(known, 7 * u.h, bins=20, cycles=1)
    page.wait("return document.querySelector('.az-folded .az-plot').data.some(({ meta }) => meta.kind === 'bins')")
    assert_drawn(page, model)
