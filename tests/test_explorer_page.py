"""The stand-alone page in a real browser: what it draws is what `build_fold_model` says."""

import csv
import io

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from numpy.testing import assert_allclose

from alerce_zvar.period import periodogram
from alerce_zvar.plot.explorer import PeriodCandidate, object_payload, page_payload, write_html
from alerce_zvar.plot.model import build_fold_model

PERIOD = 0.5713
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b[0m",
    "a\u202egnp.exe",
    "</script>",
]
READY = "[data-ready]"
KEPT = {"period": PERIOD, "epoch_mjd": 58300.25, "scale": "tdb", "origin": "given, × 2", "note": ""}
CONTROL, RELEASE, ENTER, TAB = "\ue009", "\ue000", "\ue007", "\ue004"  # as WebDriver names keys
CLOUDY = ("cloud", "share", "studio", "plotly")
CATCH_FILES = """window.saved = [];
URL.createObjectURL = (blob) => (saved.push(blob), "data:,");
HTMLAnchorElement.prototype.click = () => {};"""
AGAIN = """explorer.remove();
document.activeElement?.blur();
delete navigator.clipboard.writeText;
globalThis.explorer = AlerceZvar.mount(
  document.getElementById("explorer"), JSON.parse(document.getElementById("data").textContent));"""


def star(n=300, *, seed=0, scale="tdb", period=PERIOD, id="star", bands=("g", "r"), flux=False):
    """Two fields, every tenth row an upper limit with 99 under the mask."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(58200, 59900, n))
    curve = TimeSeries(time=Time(days, format="mjd", scale=scale))
    curve["band"], curve["field"] = rng.choice(bands, n), rng.choice([611, 612], n)
    wave = np.cos(2 * np.pi * days / period) + 0.5 * np.cos(4 * np.pi * days / period + 0.6)
    hidden = np.arange(n) % 10 == 3
    mag = np.where(hidden, 99.0, 17 + 0.3 * wave + rng.normal(0, 0.02, n))
    curve["mag"] = Masked(mag.astype("f4") * u.mag, hidden)
    curve["mag_err"] = Masked(np.where(hidden, 99.0, rng.uniform(0.01, 0.05, n)).astype("f4") * u.mag, hidden)
    curve["limiting_mag"] = Masked(np.where(hidden, 20.5, 99.0) * u.mag, ~hidden)
    if flux:
        curve["flux"], curve["flux_err"] = 100 - 30 * wave << u.uJy, np.full(n, 1.5) * u.uJy
    curve.meta["id"] = id
    return curve


@pytest.fixture(scope="module")
def curves():
    return [star(id="first", flux=True), star(200, seed=1, scale="utc", period=3.1, id="second", bands=("r",))]


@pytest.fixture(scope="module")
def file(curves, tmp_path_factory):
    scan = periodogram(curves[0], minimum_period=0.3 * u.d, maximum_period=5 * u.d)
    periods = {"first": [PERIOD * u.day, PeriodCandidate(20 * u.h, "ZVAR", "g, 20 bins")], "second": 3.1 * u.day}
    path = tmp_path_factory.mktemp("page") / "stars.html"
    return write_html(path, curves, periods, title="Stars", periodogram={"first": scan})


@pytest.fixture(scope="module")
def opened(browser, file):
    browser.size(1280, 1000)
    browser.open(file.as_uri(), READY)
    return file.as_uri()


@pytest.fixture
def page(browser, opened):
    """The page as it is when it is opened."""
    if browser.driver.current_url != opened:
        browser.open(opened, READY)
    browser.run(AGAIN)
    yield browser
    assert browser.errors() == []
    assert {url.partition(":")[0] for url in browser.requests()} <= {"file", "data", "blob"}


def drawn(page, plot="folded", kind="points"):
    """Traces of a plot by band and field."""
    traces = page.run(f"return explorer.drawn().{plot}")
    return {(one["band"], one["field"]): one for one in traces if one["kind"] == kind}


def assert_drawn(page, model, *, atol=1e-12):
    """The folded plot holds the model's numbers, and nothing else."""
    points = drawn(page)
    assert set(points) == {(trace.band, trace.field) for trace in model.traces}
    means = drawn(page, kind="bins")
    assert len(means) == (len(model.traces) if model.n_bins else 0)
    for trace in model.traces:
        found = points[trace.band, trace.field]
        assert_allclose(found["x"], trace.phase, rtol=0, atol=atol)
        assert_allclose(found["y"], trace.value, rtol=0, atol=0)
        if model.n_bins:
            found = means[trace.band, trace.field]
            assert_allclose(found["x"], trace.bins.phase, rtol=0, atol=1e-15)
            assert_allclose(found["y"], trace.bins.value, rtol=1e-12)
        assert_allclose(found["error"], (trace.bins or trace).error, rtol=1e-9)


def type_into(page, label, text):
    """Replace what is in a labelled box, and leave it by Enter."""
    labels = "[...document.querySelectorAll('label')]"
    box = page.run(f"return {labels}.find(one => one.textContent === arguments[0]).control", label)
    box.send_keys(CONTROL + "a", RELEASE, text, ENTER)


def click(page, text):
    page.run("return [...document.querySelectorAll('button')].find(b => b.textContent === arguments[0])", text).click()


def message(page):
    return page.find(".az-message").text


def test_what_is_pressed_is_drawn(page, curves):
    """Type a period, ×2, bins 50, cycles, band off, error bars off, next object."""
    first, second = curves
    assert_drawn(page, build_fold_model(first, PERIOD * u.day))
    type_into(page, "Period", "0.2856")
    assert_drawn(page, build_fold_model(first, 0.2856 * u.day))
    click(page, "×2")
    model = build_fold_model(first, 0.5712 * u.day)
    assert_drawn(page, model)
    assert page.find(".az-scatter").text == f"{model.scatter:#.4g} mag"
    type_into(page, "Bins", "50")
    assert_drawn(page, build_fold_model(first, 0.5712 * u.day, bins=50))
    page.find("option[value='1.5']").click()
    assert_drawn(page, build_fold_model(first, 0.5712 * u.day, bins=50, cycles=1.5))
    page.find("input[data-band=g]").click()
    only_r = first[first["band"] == "r"]
    assert_drawn(page, build_fold_model(only_r, 0.5712 * u.day, bins=50, cycles=1.5))
    assert {band for band, _ in drawn(page, "unfolded")} == {"r"}
    page.find(".az-next").click()
    assert_drawn(page, build_fold_model(second, 3.1 * u.day, bins=50, cycles=1.5))
    page.find(".az-previous").click()  # each object keeps what was done to it
    assert_drawn(page, build_fold_model(only_r, 0.5712 * u.day, bins=50, cycles=1.5))


PLACES = """const [plot] = document.querySelectorAll('.az-folded .az-plot');
const numbers = (text) => text.match(/-?\\d+(\\.\\d*)?(e-?\\d+)?/g).map(Number);
return [...plot.querySelectorAll('.scatterlayer path.point')].map((node) => numbers(node.getAttribute('transform')))
  .concat([...plot.querySelectorAll('.shapelayer path')].map((node) => numbers(node.getAttribute('d'))))"""


def test_points_that_only_move_lie_where_plotly_would_draw_them(page):
    """A new period moves points and error bars without plotly, in a part of the plot as well; more needs plotly."""
    page.run("globalThis.calls = 0; globalThis.react = Plotly.react; Plotly.react = (...a) => (calls++, react(...a))")
    page.run("Plotly.relayout(document.querySelector('.az-folded .az-plot'), { 'xaxis.range': [0.25, 1.5] })")
    before = page.run(PLACES)
    page.run("explorer.set({ period: 0.7 })")
    moved = page.run(PLACES)
    assert page.run("return calls") == 0
    under = "Plotly.Fx.hover(plot, [{ curveNumber: 1, pointNumber: 7 }]); return plot._hoverdata[0].x"
    named = page.run(f"const plot = document.querySelector('.az-folded .az-plot'); {under}")
    assert named == page.run("return explorer.drawn().folded[1].x[7]")
    page.run("Plotly.redraw(document.querySelector('.az-folded .az-plot'))")
    drawn = page.run(PLACES)
    assert len(before) == len(moved) == len(drawn) == 2 * 270 + 4
    for one, two in zip(moved, drawn, strict=True):
        assert_allclose(one, two, rtol=0, atol=0.02)
    assert not np.allclose(before[0], moved[0])
    page.run("explorer.set({ cycles: 1.5 })")
    assert page.run("return calls") == 1
    page.run("Plotly.react = react")


def test_no_error_bars_outlive_their_points(page):
    """Counted in the document: plotly's list of shapes may be right where its drawing is not."""
    bars = """return [...document.querySelectorAll(".js-plotly-plot")].slice(0, 2).map((plot) =>
        [plot.querySelectorAll(".shapelayer path").length, plot.layout.shapes.length])"""
    shown = page.run(bars)
    assert shown[0] == shown[1] == [4, 4]
    page.run("explorer.set({index: 1})")
    assert page.run(bars) == [[2, 2], [2, 2]]
    page.run("explorer.set({errors: false})")
    assert page.run(bars) == [[0, 0], [0, 0]]
    page.run("explorer.set({errors: true, bins: 10})")
    assert page.run(bars)[0] == [2, 2]


def test_units_multiples_and_reset(page, curves):
    first = curves[0]
    type_into(page, "Period", "34.2 min")
    assert_drawn(page, build_fold_model(first, 34.2 * u.min))
    type_into(page, "Period", "13.7h")
    assert_drawn(page, build_fold_model(first, 13.7 * u.h))
    for text, period in (("×3", 3 * 13.7), ("×⅓", 13.7), ("×½", 13.7 / 2)):
        click(page, text)
        assert_drawn(page, build_fold_model(first, period * u.h), atol=1e-11)
    click(page, "reset")
    assert_drawn(page, build_fold_model(first, PERIOD * u.day))
    step = 0.01 / page.run("return JSON.parse(document.getElementById('data').textContent).objects[0].baseline")
    click(page, "+10")
    assert_allclose(page.run("return explorer.state().period"), 1 / (1 / PERIOD - 10 * step), rtol=1e-14)
    assert page.run("return explorer.state().origin").endswith("trimmed")


@pytest.mark.parametrize("text", ["", "abc", "0", "-1", "1e9", "0,57", "3 weeks", "Infinity", "1 2"])
def test_a_bad_period_changes_nothing(page, text):
    before = page.run("return explorer.drawn()")
    type_into(page, "Period", text or " ")
    assert message(page).startswith(("A period", "The unit"))
    assert page.find("[aria-invalid]").is_displayed()
    assert page.run("return explorer.drawn()") == before


@pytest.mark.parametrize("text", ["-1", "1001", "2.5"])
def test_bad_bins_change_nothing(page, text):
    type_into(page, "Bins", text)
    assert message(page) == f"Bins are a whole number from 0 to 1000, not “{text}”."
    assert page.run("return explorer.state().n_bins") == 0


def test_epoch_and_minimum(page, curves):
    first = curves[0]
    type_into(page, "Epoch", "58300.25")
    assert_drawn(page, build_fold_model(first, PERIOD * u.day, epoch_time=Time(58300.25, format="mjd", scale="tdb")))
    type_into(page, "Epoch", "2458300.25")
    assert message(page) == "2458300 is no MJD; is it a JD?"
    page.find("select[aria-label='Form of the epoch'] option[value=JD]").click()
    type_into(page, "Epoch", "2458301.75")
    epoch = Time(2458301.75, format="jd", scale="tdb")
    model = build_fold_model(first, PERIOD * u.day, epoch_time=epoch)
    assert_drawn(page, model)
    click(page, "minimum at phase 0")
    moved = epoch + model.faintest_phase * PERIOD * u.day
    model = build_fold_model(first, PERIOD * u.day, epoch_time=moved)
    assert_drawn(page, model, atol=1e-9)
    assert min(model.faintest_phase, 1 - model.faintest_phase) < 0.02


def test_an_epoch_in_utc_means_utc(page, curves):
    page.press("n")
    assert page.find(".az-scale").text == "UTC"
    type_into(page, "Epoch", "58700.5")
    epoch = Time(58700.5, format="mjd", scale="utc")
    assert_drawn(page, build_fold_model(curves[1], 3.1 * u.day, epoch_time=epoch), atol=1e-10)


def test_flux_has_its_own_points(page, curves):
    page.find("option[value=flux]").click()
    assert_drawn(page, build_fold_model(curves[0], PERIOD * u.day, column="flux"))
    assert (
        page.run("return document.querySelector('.az-folded .az-plot').layout.yaxis.title.text")
        == f"Flux [{u.uJy:unicode}]"
    )
    assert drawn(page, "unfolded", "limits") == {}
    ticks = "return [...document.querySelectorAll('.az-folded .ytick text')].map((tick) => tick.textContent)"
    page.run("Plotly.relayout(document.querySelector('.az-folded .az-plot'), { 'yaxis.range': [0, 2e6] })")
    assert [tick for tick in page.run(ticks) if "e+6" in tick]
    assert not [tick for tick in page.run(ticks) if "M" in tick]  # 1.5M nJy would be read as a unit


def test_magnitudes_are_upwards_and_hidden_values_nowhere(page, curves, file):
    for plot in ("folded", "unfolded"):
        low, high = page.run(f"return document.querySelector('.az-{plot} .az-plot')._fullLayout.yaxis.range")
        assert low > high
    limits = drawn(page, "unfolded", "limits")
    assert sum(len(one["y"]) for one in limits.values()) == 30
    assert {value for one in limits.values() for value in one["y"]} == {20.5}
    shown = drawn(page, "unfolded")
    assert sum(len(one["y"]) for one in shown.values()) == 270
    assert max(max(one["y"]) for one in shown.values()) < 18
    days = np.concatenate([one["x"] for one in shown.values()])
    assert_allclose(np.sort(days), curves[0]["time"].mjd[~curves[0]["mag"].mask], rtol=0, atol=1e-9)


def test_candidates_tell_their_origin(page, curves):
    texts = page.run("return [...document.querySelector('.az-wide').options].map(o => o.textContent)")
    assert texts[0].startswith("0.57130")
    assert texts[0].endswith(" d · given")
    assert texts[1].endswith("d · ZVAR, g, 20 bins")
    assert any("periodogram, peak" in text for text in texts)
    page.find(".az-wide option[value='1']").click()
    assert_drawn(page, build_fold_model(curves[0], 20 * u.h))


def test_a_click_chooses_the_nearest_peak(page):
    """Two pixels beside the peak of P/2 is meant for the peak."""
    from selenium.webdriver import ActionChains

    plot = page.find(".az-periodogram .az-plot")
    page.run("arguments[0].scrollIntoView()", plot)
    x, y = page.run(
        "const g = arguments[0], a = g._fullLayout.xaxis, r = g.getBoundingClientRect(), s = g._fullLayout._size;"
        "return [s.l + a.d2p(arguments[1]) - r.width / 2 + 2, s.t + s.h / 2 - r.height / 2]",
        plot,
        PERIOD,
    )
    ActionChains(page.driver).move_to_element_with_offset(plot, int(x), int(y)).pause(0.2).click().perform()
    page.wait("return explorer.state().origin === 'periodogram'")
    assert_allclose(page.run("return explorer.state().period"), PERIOD, rtol=3e-4)
    period = page.run("return explorer.state().period")
    page.wait("return arguments[0].layout.shapes.find(s => s.name === 'P').x0 === arguments[1]", plot, period)
    shapes = page.run("return arguments[0].layout.shapes.map(s => [s.name, s.x0])", plot)
    assert_allclose(dict(shapes)["2"], 2 * period)
    assert_allclose(dict(shapes)["+1/d"], 1 / (1 / period + 1))


def test_keys_act_and_boxes_are_left_alone(page, curves):
    keys = {"d": 2, "h": 0.5, "3": 3, "t": 1 / 3}
    for key, factor in keys.items():
        page.run("document.activeElement.blur()")
        page.press("r", key)
        assert_allclose(page.run("return explorer.state().period"), PERIOD * factor, rtol=1e-15)
    page.press("b", "e", "n")
    state = page.run("return explorer.state()")
    assert (state["n_bins"], state["errors"], state["index"]) == (50, False, 1)
    page.press("n")
    assert message(page) == "This is the last object."
    page.press("p", "k", "?")
    assert [row["id"] for row in page.run("return explorer.state().kept")] == ["first"]
    assert page.find(".az-help table").is_displayed()
    page.press("/", "d", "n")
    state = page.run("return explorer.state()")
    assert (state["index"], page.find("input[type=search]").get_attribute("value")) == (0, "dn")


def test_search_by_typing(page):
    """The list has what is found; while that is not looked at, the list says how many there are."""
    texts = "return [...document.querySelector('.az-bar select').options].map(({ text, selected }) => [text, selected])"
    page.press("/", "SECO")
    assert page.run(texts) == [["1 found", True], ["second", False]]
    page.find(".az-bar option[value='1']").click()
    assert page.run("return explorer.state().id") == "second"
    assert page.run(texts) == [["second", True]]
    type_into(page, "Search", "nobody")
    assert page.run(texts) == [["0 found", True]]
    assert page.run("return explorer.state().id") == "second"
    type_into(page, "Search", "FIRST")
    assert page.run("return explorer.state().id") == "first"


def test_a_half_typed_note_is_left_alone(page):
    """Neither it nor the focus is lost where something else changes; a removed row leaves the focus to the next."""
    page.press("k", "d", "k", "d", "k")
    page.find(".az-kept input").click()
    page.press("a blue st")
    page.run("explorer.set({ period: 0.7 })")
    page.press("ar", TAB)
    assert [row["note"] for row in page.run("return explorer.state().kept")] == ["a blue star", "", ""]
    assert page.run("return document.activeElement.ariaLabel") == "Remove first from the list"
    page.press(ENTER)
    assert [row["note"] for row in page.run("return explorer.state().kept")] == ["", ""]
    assert page.run("return document.activeElement === document.querySelector('.az-kept button')")
    page.run("explorer.set({ kept: explorer.state().kept.map((row) => ({ ...row, note: 'told' })) })")
    assert page.find(".az-kept input").get_attribute("value") == "told"


def test_copy_and_its_fallback(page):
    page.find(".az-copy").click()
    page.wait("return document.querySelector('.az-message').textContent.startsWith('Copied')")
    assert page.clipboard().startswith("first, 0.57130")
    page.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    click(page, "×2")
    page.find(".az-copy").click()
    page.wait("return document.querySelector('.az-message').textContent.startsWith('Copied: first, 1.142')")
    assert page.clipboard().startswith("first, 1.142")


def test_kept_periods_are_noted_copied_downloaded_and_removed(page):
    page.run(CATCH_FILES)
    page.find(".az-keep").click()
    page.press("n", "d", "k")
    note = page.find(".az-kept input")
    note.send_keys('an "eclipse", surely', ENTER)
    click(page, "Copy list")
    page.wait("return document.querySelector('.az-message').textContent === 'The list is copied.'")
    rows = list(csv.DictReader(io.StringIO(page.clipboard())))
    found = [(row["id"], float(row["period"]), row["scale"]) for row in rows]
    assert found == [("first", PERIOD, "tdb"), ("second", 6.2, "utc")]
    assert rows[0]["note"] == 'an "eclipse", surely'
    click(page, "ECSV")
    text = page.driver.execute_async_script("saved[0].text().then(arguments[0])")
    table = QTable.read(text, format="ascii.ecsv")
    assert table["id"].tolist() == ["first", "second"]
    assert table["period"].unit == u.day
    assert_allclose(table["epoch_mjd"].value, 51544.5)
    assert table["note"][0] == rows[0]["note"]
    page.find(".az-kept button").click()
    assert [row["id"] for row in page.run("return explorer.state().kept")] == ["second"]


def test_nothing_goes_to_a_cloud(page, file):
    for plot in ("folded", "unfolded", "periodogram"):
        titles = page.run(f"return [...document.querySelectorAll('.az-{plot} .modebar-btn')].map(b => b.dataset.title)")
        assert titles
        assert not [
            title for title in titles if any(word in title.lower() for word in ("cloud", "share", "studio", "plotly"))
        ]
        assert page.run(f"return document.querySelector('.az-{plot} .az-plot')._context.plotlyServerURL") == ""
    policy = page.run("return document.querySelector('meta[http-equiv]').content")
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    failed = "fetch(arguments[0]).then(() => arguments[1]('went'), () => arguments[1]('refused'))"
    assert page.driver.execute_async_script(failed, "data:,") == "refused"
    assert any("Content Security Policy" in error for error in page.errors())
    page.requests()


def test_hostile_names_are_texts(browser, tmp_path):
    curves = [star(60, id=name, bands=(name[:8], "g")) for name in HOSTILE]
    candidates = [[PeriodCandidate(1 * u.day, name, name)] for name in HOSTILE]
    browser.open(write_html(tmp_path / "bad.html", curves, candidates, title=HOSTILE[0]).as_uri(), READY)
    assert browser.driver.title == HOSTILE[0]
    for number, name in enumerate(HOSTILE):
        browser.run("explorer.set({ index: arguments[0] })", number)
        shown = "".join("\ufffd" if ord(letter) < 32 or letter == "\u202e" else letter for letter in name)
        assert browser.run("return explorer.state().id") == name
        assert browser.find(".az h2").get_attribute("textContent") == shown
        texts = browser.run("return [...document.querySelector('.az-wide').options].map(o => o.textContent)")
        assert texts[0].endswith(f"{shown}, {shown}")
        browser.press("k")
    assert browser.run("return document.querySelectorAll('.az-kept tbody tr').length") == len(HOSTILE)
    assert browser.run(
        "return [document.querySelectorAll('.az img').length, document.querySelectorAll('script').length]"
    ) == [0, 4]
    assert "\x1b" not in browser.run("return document.body.innerText")
    assert browser.errors() == []  # an alert would have stopped everything


def test_without_a_mouse_on_a_phone_in_the_dark(browser, file):
    browser.open(file.as_uri(), READY)
    browser.size(390, 844, dark=True)
    browser.wait("return document.querySelector('.az-folded .az-plot').layout.paper_bgcolor === '#1b2027'")
    browser.wait("return document.documentElement.scrollWidth <= innerWidth && innerWidth === 390")
    browser.run("explorer.set({ kept: [{ ...arguments[0], id: '145120008365555264' }] })", KEPT)
    lines = browser.run(
        "const range = new Range(), tops = () => new Set([...range.getClientRects()].map((line) => line.top)).size;"
        "return [...document.querySelectorAll('.az-kept td')].slice(0, 4)"
        ".map((cell) => (range.selectNodeContents(cell.firstElementChild ?? cell), tops()))"
    )
    assert lines == [1, 1, 1, 1]  # no word is broken: the table scrolls
    unnamed = browser.run(
        "return [...document.querySelectorAll('.az input, .az select, .az button')]"
        ".filter(e => !e.labels?.length && !e.getAttribute('aria-label')).map(e => e.outerHTML)"
    )
    assert unnamed == []
    seen = []
    for _ in range(40):
        browser.press(TAB)
        seen.append(
            browser.run("return document.activeElement.textContent || document.activeElement.labels?.[0]?.textContent")
        )
        if seen[-1] == "×2":
            assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
            browser.press(ENTER)
            break
    assert_allclose(browser.run("return explorer.state().period"), 2 * PERIOD)
    browser.size(1280, 1000)


CASES = [
    (2 * u.min, "tdb", None, 0, 1),
    (34.2 * u.min, "utc", Time(59000.3, format="mjd", scale="tdb"), 1000, 2),
    (5.5 * u.h, "tdb", Time(2450000.1234567, format="jd", scale="utc"), 37, 1.5),
    (0.5713 * u.day, "utc", None, 50, 2),
    (500 * u.day, "tai", None, 20, 1),
    (41000.0 * u.s, "tdb", None, 7, 2),
]


@pytest.mark.parametrize(("period", "scale", "epoch", "bins", "cycles"), CASES)
@pytest.mark.parametrize("column", ["mag", "flux"])
def test_javascript_folds_as_python(page, period, scale, epoch, bins, cycles, column):
    """10^4 points to 1e-12: phases, means, scatter, and the faintest phase."""
    curve = star(10_000, scale=scale, period=period.to_value(u.day), flux=True)
    model = build_fold_model(curve, period, epoch_time=epoch, bins=bins, cycles=cycles, column=column)
    payload = object_payload(curve, periods=PeriodCandidate(period, "x"), epoch_time=epoch)
    found = page.run(
        """const { fold } = AlerceZvar, [object, how] = arguments, [one] = object.periods;
        const period = { value: one.value, perDay: one.per_day };
        const folded = fold.model(object, fold.decodeObject(object), { ...how, period, epoch: object.epoch });
        return { ...folded, scatter: fold.scatter(folded), faintest: fold.faintestPhase(folded) };""",
        payload,
        {"bins": bins, "cycles": cycles, "column": column},
    )
    assert [(one["band"], one["field"]) for one in found["traces"]] == [(one.band, one.field) for one in model.traces]
    for one, trace in zip(found["traces"], model.traces, strict=True):
        assert one["row"] == trace.row.tolist()
        for name in ("phase", "value", "error"):
            assert_allclose(one[name], getattr(trace, name), rtol=0, atol=1e-12)
            if bins:
                assert_allclose(one["bins"][name], getattr(trace.bins, name), rtol=1e-12)
        assert not bins or one["bins"]["count"] == trace.bins.count.tolist()
    assert_allclose(found["scatter"], model.scatter, rtol=1e-12)
    assert_allclose(found["faintest"], model.faintest_phase, rtol=0, atol=1e-12)


def test_a_page_under_a_servers_policy(browser, curves, policy_server):
    """What the local server allows: no inline script or style, no eval; nothing is refused."""
    browser.open(policy_server(page_payload([object_payload(curves[0], periods=PERIOD * u.day)])), READY)
    assert len(browser.run("return explorer.drawn().folded")) == 4
    browser.press("d", "b", "m")
    browser.run("document.querySelector('.az-folded .modebar-btn').dispatchEvent(new MouseEvent('mouseenter'))")
    assert browser.run("return getComputedStyle(document.querySelector('.az-folded .modebar')).position") == "absolute"
    assert browser.errors() == []


@pytest.fixture
def policy_server():
    """Address of a page of static files under a strict Content-Security-Policy."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    from alerce_zvar.plot.explorer import assets
    from alerce_zvar.plot.explorer.files import SCRIPTS
    from alerce_zvar.plot.explorer.page import json_for_html

    files = dict(assets())
    scripts = "".join(f'<script src="{name}"></script>' for name in ("plotly.min.js", *SCRIPTS, "mount.js"))
    files["mount.js"] = (
        "globalThis.explorer = AlerceZvar.mount(document.getElementById('explorer'),"
        " JSON.parse(document.getElementById('data').textContent))"
    )
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    types = {"js": "text/javascript", "css": "text/css", "html": "text/html"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.lstrip("/")
            body = files.get(name, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{types.get(name.rpartition('.')[2], 'text/plain')}; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()

    def serve(payload):
        data = json_for_html(payload)
        files["page.html"] = (
            '<!DOCTYPE html><html lang="en"><head><title>x</title><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="explorer.css"></head><body class="az-page"><div id="explorer"></div>'
            f'<script type="application/json" id="data">{data}</script>{scripts}</body></html>'
        )
        return f"http://127.0.0.1:{server.server_port}/page.html"

    yield serve
    server.shutdown()
    server.server_close()
