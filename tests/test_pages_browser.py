"""The local server's pages in a real browser: what the explorer draws, and the way there without a mouse."""

import re

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose
from star_server import HOSTILE, HOSTILE_OID, LOGIN, build_hostile

from alerce_zvar import ZvarClass
from alerce_zvar.plot.model import build_fold_model
from alerce_zvar.server import serve

pytest.importorskip("fastapi")

READY = "#explorer[data-ready]"
CONTROL, RELEASE, ENTER, TAB = "\ue009", "\ue000", "\ue007", "\ue004"  # as WebDriver names keys


@pytest.fixture(scope="module")
def url(sample_archive):
    """Address of a server that asks for no login."""
    with serve(sample_archive) as server:
        yield server.url


@pytest.fixture
def page(browser, url):
    """The browser; it must stay on this server, and have nothing to complain of."""
    browser.size(1280, 1000)
    yield browser
    assert browser.errors() == []
    assert [
        address for address in browser.requests() if not address.startswith((url, "data:", "blob:", "about:"))
    ] == []


@pytest.fixture(scope="module")
def star(sample_archive):
    """A source that all services know, with a period."""
    sources = sample_archive.sources()
    return sources[~np.ma.getmaskarray(sources["lsst_oid"])][0]


@pytest.fixture(scope="module")
def curve(url, star):
    return ZvarClass(url=url).get_lightcurves(star["psid"], bands=None)[0]


def assert_drawn(page, model):
    """The folded plot holds the model's numbers, and nothing else."""
    traces = page.run("return AlerceZvar.handle.drawn().folded")
    points = {(one["band"], one["field"]): one for one in traces if one["kind"] == "points"}
    means = {(one["band"], one["field"]): one for one in traces if one["kind"] == "bins"}
    assert set(points) == {(trace.band, trace.field) for trace in model.traces}
    assert len(means) == (len(model.traces) if model.n_bins else 0)
    for trace in model.traces:
        found = points[trace.band, trace.field]
        assert_allclose(found["x"], trace.phase, rtol=0, atol=1e-12)
        assert_allclose(found["y"], trace.value, rtol=0, atol=0)
        if model.n_bins:
            assert_allclose(means[trace.band, trace.field]["y"], trace.bins.value, rtol=1e-12)


def type_into(page, label, text):
    """Replace what is in a labelled box, and leave it by Enter."""
    labels = "[...document.querySelectorAll('label')]"
    box = page.run(f"return {labels}.find(one => one.textContent === arguments[0]).control", label)
    box.send_keys(CONTROL + "a", RELEASE, text, ENTER)


def click(page, text):
    page.run("return [...document.querySelectorAll('button')].find(b => b.textContent === arguments[0])", text).click()


def test_an_object_is_explored(page, url, star, curve):
    """Type a period, ×2, bins 50, a band off, copy; then the next object of the results."""
    page.open(f"{url}/?position={star['ra']}+{star['dec']}&radius=5&unit=arcmin", "table.results")
    page.find("td.id a").click()
    page.wait("return document.querySelector(arguments[0]) !== null", READY)
    assert page.find("h1").text == star["psid"]
    type_into(page, "Period", "0.2856")
    assert_drawn(page, build_fold_model(curve, 0.2856 * u.day))
    click(page, "×2")
    type_into(page, "Bins", "50")
    assert_drawn(page, build_fold_model(curve, 0.5712 * u.day, bins=50))
    page.find("input[data-band=g]").click()
    without = curve[np.asarray(curve["band"]) != "g"]
    assert_drawn(page, build_fold_model(without, 0.5712 * u.day, bins=50))
    page.find(".az-copy").click()
    page.wait("return document.querySelector('.az-message').textContent.startsWith('Copied')")
    assert page.clipboard().startswith(f"{star['psid']}, 0.5712")
    page.find("nav.route a[rel=next]").click()
    page.wait("return document.querySelector('h1').textContent !== arguments[0]", star["psid"])
    page.wait("return document.querySelector(arguments[0]) !== null", READY)
    other = page.find("h1").text
    assert page.run("return AlerceZvar.handle.state().id") == other
    assert len(page.run("return AlerceZvar.handle.drawn().folded[0].x")) > 50
    page.driver.back()
    page.wait("return document.querySelector('h1').textContent === arguments[0]", star["psid"])


def test_a_search_for_periods_on_request(page, url, star):
    page.open(f"{url}/object/{star['psid']}", READY)
    assert page.run("return AlerceZvar.handle.drawn().periodogram") == []
    page.find("button[data-curve=lsst_oid]").click()
    page.wait("return document.getElementById('search-status').textContent.startsWith('Found')", seconds=60)
    state = page.run("return AlerceZvar.handle.state()")
    assert state["id"] == star["lsst_oid"]
    scan = page.run("return AlerceZvar.handle.drawn().periodogram")
    assert 100 < len(scan[0]["x"]) <= 3000
    texts = page.run("return [...document.querySelector('.az-wide').options].map(o => o.textContent)")
    assert "find_period" in texts[0]
    assert page.run("return document.activeElement.dataset.curve") == "lsst_oid"
    page.run("document.querySelector('button[data-curve=lsst_oid]').click()")
    page.run("document.querySelector('nav.contents a').focus()")  # who reads on meanwhile is not fetched back
    page.wait("return document.getElementById('search-status').textContent.startsWith('Found')", seconds=60)
    assert page.run("return document.activeElement.textContent") == "Light curves"


def test_from_the_search_to_an_object_without_a_mouse(page, url, star):
    page.open(url, "form")
    page.press(TAB)
    assert page.run("return document.activeElement.className") == "skip"
    page.press(ENTER, TAB)
    assert page.run("return document.activeElement.id") == "position"
    page.press(f"{star['ra']:.7f} {star['dec']:+.7f}", ENTER)
    page.wait("return new URLSearchParams(location.search).has('position') && document.readyState === 'complete'")
    for _ in range(60):
        page.press(TAB)
        outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        if page.run("return document.activeElement.textContent") == star["psid"]:
            break
    page.press(ENTER)
    page.wait("return document.querySelector(arguments[0]) !== null", READY)
    assert page.find("h1").text == star["psid"]
    page.press("d")  # a key of the explorer
    first = page.run("return AlerceZvar.handle.state().period")
    page.press("h")
    assert_allclose(page.run("return AlerceZvar.handle.state().period"), first / 2)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", ["/?position={ra}+{dec}&radius=5&unit=arcmin", "/object/{psid}", "/docs"])
def test_pages_fit_a_phone(page, url, star, path, dark):
    page.size(390, 844, dark=dark)
    address = url + path.format(**{name: star[name] for name in ("psid", "ra", "dec")})
    page.open(address, READY if "object" in path else "h1")
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
    colours = page.run("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    text, ground = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
    assert text - ground > 300 if dark else ground - text > 300
    heights = page.run("return [...document.querySelectorAll('.sky text')].map(t => t.getBoundingClientRect().height)")
    assert min(heights, default=9) >= 9


def test_without_scripts_all_but_the_explorer_works(page, url, star):
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.driver.get(f"{url}/?class=ztf/lc_classifier/RRL")
        page.driver.find_element("link text", star["psid"]).click()
        assert page.find("h1").text == star["psid"]
        assert "needs JavaScript" in page.find("#explorer").text
        assert not page.find(".searches").is_displayed()
        page.find("#classes ~ details:not([open]) summary").click()
        assert page.find("#classes ~ details[open] ~ details[open] table").is_displayed()
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_names_are_text(browser, tmp_path):
    """An alert would have stopped everything; and nothing was refused, for nothing was tried."""
    shown = HOSTILE_OID.replace("\x1b", "\ufffd")
    with build_hostile(tmp_path / "sky.duckdb") as archive, serve(archive) as server:
        browser.open(server.url, "table.results")
        names = browser.run(
            "return [...document.querySelectorAll('.results tbody tr')].map(r => r.cells[2].textContent)"
        )
        assert set(names) == {re.sub("[\x1b\u202e]", "\ufffd", name) for name in HOSTILE}
        browser.driver.find_element("link text", shown).click()
        browser.wait("return document.querySelector(arguments[0]) !== null", READY)
        assert browser.find("h1").text == shown
        browser.run("AlerceZvar.handle.set({ index: 1 })")
        assert browser.run("return AlerceZvar.handle.state().id") == HOSTILE_OID
        assert shown in browser.find("#explorer h2").get_attribute("textContent")
        assert browser.run("return document.querySelectorAll('main img, main b').length") == 0
    assert browser.errors() == []


def test_the_explorer_behind_a_login(browser, sample_server, star):
    """The browser sends the login along; no page tells it."""
    name, password = LOGIN
    address = sample_server.replace("://", f"://{name}:{password}@")
    browser.open(f"{address}/object/{star['psid']}", READY)
    assert len(browser.run("return AlerceZvar.handle.drawn().folded")) > 2
    assert password not in browser.run("return document.documentElement.outerHTML")
    assert browser.errors() == []


def test_stamps_are_seen(page, url, star):
    page.open(f"{url}/object/{star['psid']}", READY)
    page.run("document.getElementById('stamps').scrollIntoView()")
    loaded = "const all = [...document.querySelectorAll('.stamps img')]; "
    page.wait(loaded + "return all.length >= 6 && all.slice(0, 6).every(i => i.complete && i.naturalWidth === 63)")
