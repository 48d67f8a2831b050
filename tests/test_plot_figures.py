"""Figures of skies, colours, classes and candidates; hostile names; figures of one column; real stars folded."""

import csv
import gzip
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from numpy.testing import assert_allclose, assert_array_equal

from alerce_zvar.period import find_period, periodogram
from alerce_zvar.plot import (
    build_fold_model,
    envelope,
    plot_cmd,
    plot_folded,
    plot_lightcurve,
    plot_period_candidates,
    plot_periodogram,
    plot_probabilities,
    plot_sky,
    plot_stamps,
    print_style,
    style,
)

PERIOD = 0.5713
STAMPS = ("SCIENCE", "TEMPLATE", "DIFFERENCE")
RANGE = {"minimum_period": 0.2 * u.day, "maximum_period": 5 * u.day}
HOSTILE = ["$\\frac{$", "a$b$c", "_hidden", "\\notacommand{", "<script>alert(1)</script>", "\x1b[31mred", "\u202ekcab"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def light_curve():
    """150 points by night in g and r, of two fields."""
    rng = np.random.default_rng(3)
    days = np.sort(rng.choice(200, 150, replace=False) + 0.2 * rng.random(150))
    curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"))
    curve["band"] = np.where(np.arange(150) % 3, "g", "r")
    curve["field"] = np.where(np.arange(150) % 2, 683, 1722)
    curve["mag"] = (17 + 0.3 * np.sin(2 * np.pi * days / PERIOD) + 0.02 * rng.normal(size=150)) * u.mag
    curve["mag_err"] = np.full(150, 0.02) * u.mag
    curve.meta["id"] = "145120008365555264"
    return curve


@pytest.fixture(scope="module")
def result(light_curve):
    return find_period(light_curve, **RANGE)


def points(ax):
    """(x, y) of what has error bars, in order of x."""
    drawn = np.concatenate([container[0].get_xydata() for container in ax.containers])
    return drawn[np.lexsort(drawn.T[::-1])]


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def seen(figure):
    """All texts of a figure as they were drawn, from an SVG whose text is text."""
    from xml.etree import ElementTree

    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg")
    root = ElementTree.fromstring(file.getvalue().encode())
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


# --- folded ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cycles", [0.5, 1, 1.5, 2, 3.25])
def test_folded_draws_the_model(light_curve, cycles):
    ax = plot_folded(light_curve, PERIOD * u.day, cycles=cycles, bins=8)
    model = build_fold_model(light_curve, PERIOD * u.day, cycles=1, bins=8)
    wanted = []
    for trace in model.traces:
        for phase, value in ((trace.phase, trace.value), (trace.bins.phase, trace.bins.value)):
            wanted += [np.column_stack([phase + turn, value])[phase + turn < cycles] for turn in range(4)]
    wanted = np.concatenate(wanted)
    assert_array_equal(points(ax), wanted[np.lexsort(wanted.T[::-1])])
    assert ax.get_xlim() == (0, cycles)


def test_fields_of_a_band_share_its_colour_and_differ_in_fill(light_curve):
    ax = plot_folded(light_curve, PERIOD * u.day)
    assert labels(ax) == ["g, field 1722", "g, field 683", "r, field 1722", "r, field 683"]
    looks = [(line.get_color(), line.get_markerfacecolor()) for line in (part[0] for part in ax.containers)]
    green, red = style.BANDS["g"].color, style.BANDS["r"].color
    assert looks == [(green, green), (green, "white"), (red, red), (red, "white")]
    one = light_curve[light_curve["field"] == 683]
    assert labels(plot_folded(one, PERIOD * u.day)) == ["g", "r"]


@pytest.mark.parametrize("cycles", [0, -1, np.nan, np.inf, True, "2"])
def test_cycles_must_be_positive(light_curve, cycles):
    with pytest.raises(ValueError, match="cycles must be a positive number"):
        plot_folded(light_curve, PERIOD * u.day, cycles=cycles)
    assert plt.get_fignums() == []


# --- light curves ---------------------------------------------------------------------------------------------------


def test_forced_photometry_is_hollow_and_said_once(light_curve):
    mixed = light_curve.copy()
    mixed["forced"] = MaskedColumn(np.arange(150) < 60, mask=np.arange(150) < 10)
    ax = plot_lightcurve(mixed)
    fills = {}
    for line in (container[0] for container in ax.containers):
        fills[line.get_markerfacecolor() == "white"] = fills.get(line.get_markerfacecolor() == "white", 0) + len(
            line.get_xdata()
        )
    assert fills == {False: 100, True: 50}
    assert labels(ax) == ["g", "r", "forced photometry"]


def test_one_scale_does_not_stand_for_two_units(light_curve):
    fluxes = light_curve["time", "band"]
    fluxes["flux"] = np.linspace(100, 200, len(fluxes)) * u.nJy
    others = fluxes.copy()
    others["flux"] = fluxes["flux"].to(u.uJy)
    for draw in (plot_lightcurve, lambda one, ax=None: plot_folded(one, 0.5 * u.day, ax=ax)):
        ax = draw(fluxes)
        seen = len(ax.containers)
        assert draw(fluxes, ax=ax) is ax
        assert len(ax.containers) == 2 * seen
        for wrong, words in ((others, "Flux [µJy]"), (light_curve, "Magnitude [mag]")):
            with pytest.raises(ValueError, match=re.escape(f"ax shows Flux [nJy] already; {words} needs Axes")):
                draw(wrong, ax=ax)
        assert len(ax.containers) == 2 * seen
        assert ax.get_ylabel() == "Flux [nJy]"


def test_forced_photometry_of_a_service_joins_detections(light_curve):
    forced = light_curve[100:]
    forced.meta = {"id": "x", "photometry": "forced_corrected"}
    ax = plot_lightcurve(forced, ax=plot_lightcurve(light_curve[:100]))
    assert len(points(ax)) == 150
    assert labels(ax) == ["g", "r", "forced photometry"]
    assert ax.yaxis_inverted()


def test_limits_have_one_line_in_the_legend_and_name_their_band(light_curve):
    curve = light_curve.copy()
    curve["band"] = np.where(np.arange(150) < 20, "i", curve["band"])
    curve["mag"] = Masked(curve["mag"], mask=np.arange(150) < 30)
    curve["limiting_mag"] = np.full(150, 20.5) * u.mag
    ax = plot_lightcurve(curve)
    assert labels(ax) == ["g", "i", "r", "upper limit"]
    assert len(points(ax)) == 120
    limits = [line for line in ax.lines if line.get_marker() == style.LIMIT_MARKER]
    assert sum(len(line.get_xdata()) for line in limits) == 30


# --- periodogram ----------------------------------------------------------------------------------------------------


def test_envelope_grows_in_frequency_and_holds_the_highest(light_curve, result):
    for one in (result, periodogram(light_curve, **RANGE)):
        frequency, power = envelope(one)
        assert frequency.unit == 1 / u.day
        assert len(frequency) == len(power) <= 3000
        assert np.all(np.diff(frequency) > 0)
    whole = periodogram(light_curve, **RANGE)
    grid = dict(zip(whole.frequency.value, whole.power, strict=True))
    assert [grid[value] for value in envelope(whole)[0].value] == envelope(whole)[1].tolist()
    assert envelope(whole)[1].max() == whole.power.max()


def test_a_result_is_searched_once_for_all_its_figures(light_curve, monkeypatch):
    found = find_period(light_curve, **RANGE)
    first = envelope(found)
    first[1][:] = 0  # what a caller does to it stays with the caller
    monkeypatch.setattr(type(found), "blocks", lambda self: pytest.fail("searched again"))
    ax = plot_periodogram(found)
    assert ax.lines[0].get_ydata().max() > 0.5
    assert_array_equal(envelope(found)[1], ax.lines[0].get_ydata()[::-1])


def marked(ax):
    """Names of the aliases and the periods that they point to."""
    return {text.get_text(): text.xy[0] for text in ax.texts}


def test_aliases_stand_where_they_belong(result):
    frequency = result.frequency.value
    ax = plot_periodogram(result)
    wanted = {
        "P/2": 0.5 / frequency,
        "2P": 2 / frequency,
        "f+1/d": 1 / (frequency + 1),
        "f−1/d": 1 / (frequency - 1),
        "f+2/d": 1 / (frequency + 2),
        "2/d−f": 1 / (2 - frequency),
    }
    assert marked(ax) == pytest.approx(wanted)
    (lines,) = (one for one in ax.collections if hasattr(one, "get_segments"))
    assert sorted(segment[0, 0] for segment in lines.get_segments()) == pytest.approx(sorted(wanted.values()))
    assert marked(plot_periodogram(result, aliases=False)) == {}


def test_close_aliases_are_told_apart_where_there_is_room(light_curve):
    narrow = periodogram(light_curve, minimum_period=0.569 * u.day, maximum_period=0.5735 * u.day)
    best = narrow.best_frequency.value
    wanted = {"f+1/yr": 1 / (best + 1 / 365.25), "f−1/yr": 1 / (best - 1 / 365.25)}
    assert marked(plot_periodogram(narrow)) == pytest.approx(wanted)


@pytest.mark.parametrize("width", [7.0, 3.5])
@pytest.mark.parametrize("longest", [5.0, 100.0])
def test_names_of_aliases_do_not_overlap(light_curve, width, longest):
    scanned = periodogram(light_curve, minimum_period=0.02 * u.day, maximum_period=longest * u.day)
    with print_style() if width < 7 else mpl.rc_context():
        ax = plot_periodogram(scanned)
        ax.figure.canvas.draw()
        assert ax.figure.get_size_inches()[0] == width
        boxes = [text.get_window_extent().shrunk(0.99, 0.99) for text in ax.texts]
        frame = ax.get_window_extent()
    assert len(boxes) >= 5
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in boxes)
    curve = ax.lines[0].get_window_extent()
    assert max(curve.y1, 0) < min(box.y0 for box in boxes)


def test_powers_below_zero_are_inside_the_axes(light_curve):
    scanned = periodogram(light_curve, method="pdm", **RANGE)
    ax = plot_periodogram(scanned)
    low, high = ax.get_ylim()
    assert low == ax.lines[0].get_ydata().min()
    assert low < 0 < scanned.power.max() < high
    assert plot_periodogram(periodogram(light_curve, **RANGE)).get_ylim()[0] == 0


def test_further_peaks_are_marked_and_are_not_the_best(light_curve):
    scanned = periodogram(light_curve, **RANGE)
    ax = plot_periodogram(scanned, n_peaks=4)
    (circles,) = (one for one in ax.collections if len(one.get_offsets()) > 1)
    wanted = scanned.peaks(5)
    assert_allclose(circles.get_offsets().data, np.column_stack([wanted["period"].value, wanted["power"]])[1:])
    assert plot_periodogram(scanned, n_peaks=0, aliases=False).collections[:] == []


@pytest.mark.parametrize("n_peaks", [-1, 1.5, True, "3"])
def test_number_of_peaks_is_checked(result, n_peaks):
    with pytest.raises(ValueError, match="n_peaks must be a whole number, 0 or more"):
        plot_periodogram(result, n_peaks=n_peaks)


# --- candidates -----------------------------------------------------------------------------------------------------


def test_each_candidate_is_folded_at_its_own_period(light_curve, result):
    axes = plot_period_candidates(light_curve, result, n=4)
    periods = [result.period, *result.alternatives["period"][:3]]
    assert axes.shape == (4,)
    for ax, period in zip(axes, periods, strict=True):
        model = build_fold_model(light_curve, period, epoch_time=result.epoch_time)
        wanted = np.concatenate([np.column_stack([trace.phase, trace.value]) for trace in model.traces])
        assert_array_equal(points(ax), wanted[np.lexsort(wanted.T[::-1])])
        assert ax.get_title().startswith(f"P = {period:.7g}\n")
        assert ax.yaxis_inverted()
    assert str(result.alternatives["relation"][0]) in axes[1].get_title().replace("\n", " ")
    assert axes[0].get_ylabel() == "Magnitude [mag]"
    assert [ax.get_xlabel() for ax in axes] == ["", "", "Phase [cycles]", "Phase [cycles]"]
    assert all(ax.get_legend() is None for ax in axes)
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == labels(plot_folded(light_curve, result))


@pytest.mark.parametrize("number", [1, 6])
def test_a_legend_of_long_names_below_the_candidates_is_whole(light_curve, number):
    curve = light_curve.copy()
    curve["field"] = curve["field"].astype(object) * 10**12
    figure = plot_period_candidates(curve, np.arange(1, 1 + number) * u.day)[0].figure
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert len(figure.legends[0].get_texts()) == 4
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


def test_candidates_may_be_plain_periods_on_axes_of_ones_own(light_curve):
    mine = plt.subplots(1, 3)[1]
    axes = plot_period_candidates(light_curve, [0.5, 1.5] * u.day, axes=mine)
    assert axes.tolist() == mine[:2].tolist()
    assert [ax.get_title().split("\n")[0] for ax in axes] == ["P = 0.5 d", "P = 1.5 d"]
    assert [ax.get_legend() is None for ax in axes] == [True, False]


def test_candidates_are_checked(light_curve):
    with pytest.raises(ValueError, match="n must be a positive whole number"):
        plot_period_candidates(light_curve, 1 * u.day, n=0)
    with pytest.raises(ValueError, match="result_or_candidates holds no period"):
        plot_period_candidates(light_curve, [])
    with pytest.raises(ValueError, match="axes must be 2, one for each period, not 1"):
        plot_period_candidates(light_curve, [1, 2] * u.day, axes=[plt.subplots()[1]])
    with pytest.raises(TypeError, match="light_curve must be a table"):
        plot_period_candidates(None, 1 * u.day)


# --- colours and magnitudes -----------------------------------------------------------------------------------------


def gaia(number, *, seed=0):
    """Gaia's columns, of main sequence stars; the first has no BP, the second a parallax that is not significant."""
    rng = np.random.default_rng(seed)
    table = Table({"phot_g_mean_mag": rng.uniform(14, 18, number)})
    table["phot_rp_mean_mag"] = table["phot_g_mean_mag"] - rng.uniform(0, 1, number)
    table["phot_bp_mean_mag"] = MaskedColumn(table["phot_g_mean_mag"] + 0.5, mask=np.arange(number) == 0)
    table["parallax"], table["parallax_error"] = rng.uniform(1, 3, number), np.full(number, 0.05)
    table["parallax_error"][1] = 10.0
    for name in table.colnames:
        table[name].unit = u.mas if "parallax" in name else u.mag
    return table


@pytest.mark.parametrize("kind", [Table, QTable])
def test_diagram_has_stars_where_they_belong_and_counts_the_others(kind):
    table = gaia(20)
    ax = plot_cmd(kind(table))
    (line,) = ax.lines
    absolute = table["phot_g_mean_mag"] + 5 + 5 * np.log10(table["parallax"] / 1000)
    colour = np.asarray(table["phot_bp_mean_mag"]) - np.asarray(table["phot_rp_mean_mag"])
    assert_allclose(line.get_xydata(), np.column_stack([colour[2:], absolute[2:]]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("BP − RP [mag]", "Absolute magnitude in G [mag]")
    assert ax.yaxis_inverted()
    assert labels(ax) == ["stars: 18 (2 left out)"]
    assert labels(plot_cmd(kind(table), min_parallax_snr=0)) == ["stars: 19 (1 left out)"]


def test_background_is_a_density_where_there_are_many():
    ax = plot_cmd(gaia(5), background=gaia(3000, seed=1))
    (cells,) = (one for one in ax.collections if one.get_array() is not None)
    assert cells.get_array().sum() == 2998
    assert isinstance(cells.norm, mpl.colors.LogNorm)
    assert labels(ax) == ["background: 2,998 (2 left out)", "stars: 3 (2 left out)"]
    few = plot_cmd(gaia(5), background=gaia(100, seed=1))
    assert [len(line.get_xdata()) for line in few.lines] == [98, 3]


def test_a_diagram_of_nothing_says_so():
    assert labels(plot_cmd(gaia(2))) == ["stars: 0 (2 left out)"]


def test_diagrams_name_what_is_wrong():
    with pytest.raises(TypeError, match="table must be an astropy Table"):
        plot_cmd(None)
    with pytest.raises(TypeError, match="background must be an astropy Table"):
        plot_cmd(gaia(3), background=[1])
    with pytest.raises(ValueError, match=r"background: .*parallax_error are missing"):
        plot_cmd(gaia(3), background=gaia(3)["phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax"])
    wrong = gaia(3)
    wrong["parallax"].unit = u.day
    with pytest.raises(u.UnitsError, match="table: 'd'"):
        plot_cmd(wrong)
    with pytest.raises(ValueError, match="min_parallax_snr must be a number, 0 or more"):
        plot_cmd(gaia(3), min_parallax_snr=-1)
    assert plt.get_fignums() == []


# --- sky ------------------------------------------------------------------------------------------------------------


def offsets(ax):
    return ax.lines[0].get_xydata()


CENTRES = [(0.0, 1.0), (180.0, -30.0), (77.0, 90.0), (10.0, -89.9999)]


@pytest.mark.parametrize("place", CENTRES)
@pytest.mark.parametrize(("unit", "name"), [(u.arcsec, "arcsec"), (u.arcmin, "arcmin"), (u.deg, "deg")])
def test_positions_are_where_they_were_put_even_at_the_poles(place, unit, name):
    centre = SkyCoord(*place, unit="deg")
    east, north = np.array([5.0, -5.0, 0.0, 3.0]), np.array([0.0, 1.0, 5.0, -4.0])
    sky = SkyCoord(
        np.arctan(east * unit.to(u.rad)) * u.rad,
        np.arctan(north * unit.to(u.rad) * np.cos(np.arctan(east * unit.to(u.rad)))) * u.rad,
        frame=centre.skyoffset_frame(),
    )
    ax = plot_sky(sky.icrs, centre=centre)
    assert_allclose(offsets(ax), np.column_stack([east, north]), atol=1e-7 if unit is u.arcsec else 1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (f"East [{name}]", f"North [{name}]")
    assert ax.xaxis_inverted()
    assert not ax.yaxis_inverted()
    assert ax.get_aspect() == 1


def test_the_middle_of_positions_around_zero_is_zero():
    ax = plot_sky(SkyCoord([359.999, 0.003] * u.deg, [10, 10] * u.deg))
    assert_allclose(offsets(ax)[:, 0], np.array([-7.2, 7.2]) * np.cos(np.radians(10)), rtol=1e-6)
    assert ax.get_title() == "around RA 0.00100 deg, Dec +10.00000 deg (ICRS)"


def test_the_circle_of_a_query_is_as_large_as_the_query():
    centre = SkyCoord(30 * u.deg, 60 * u.deg)
    rim = centre.directional_offset_by(np.arange(0, 360, 30) * u.deg, 2 * u.deg)
    ax = plot_sky(rim, centre=centre, radius="2 deg")
    assert_allclose(np.hypot(*offsets(ax).T), np.degrees(np.tan(np.radians(2))), rtol=1e-9)
    (circle,) = (line for line in ax.lines if line.get_linestyle() == "--")
    assert_allclose(np.hypot(*circle.get_xydata().T), np.degrees(np.tan(np.radians(2))), rtol=1e-9)
    assert labels(ax) == ["radius 2 deg"]


def test_colours_by_class_band_and_number():
    ra = Masked(10 + np.arange(6) / 3600.0, mask=np.arange(6) == 5) * u.deg
    table = QTable({"ra": ra, "dec": np.full(6, 20.0) * u.deg, "n": [1.0, 2, 3, np.nan, 5, 6] * u.mag})
    table["band"] = MaskedColumn(["g", "r", "g", "hidden", "r", "g"], mask=np.arange(6) == 3)
    ax = plot_sky(table, color_by="band")
    drawn = {line.get_label(): (line.get_color(), len(line.get_xdata())) for line in ax.lines[:3]}
    assert drawn["g"] == (style.BANDS["g"].color, 2)
    assert drawn["r"] == (style.BANDS["r"].color, 2)
    assert drawn["unknown"][1] == 1
    assert "hidden" not in labels(ax)
    assert ax.get_title().endswith("\n1 without a position left out")
    ax = plot_sky(table, color_by="n")
    (scale,) = ax.collections
    assert scale.get_array().tolist() == [1, 2, 3, 5]
    assert scale.colorbar.ax.get_ylabel() == "n [mag]"


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: plot_sky(3), TypeError, "table_or_coordinates must be an astropy Table or SkyCoord, not int"),
        (lambda: plot_sky(Table({"a": [1]})), ValueError, "table_or_coordinates must have the columns ra and dec"),
        (lambda: plot_sky(SkyCoord([] * u.deg, [] * u.deg)), ValueError, "holds no position; give centre"),
        (lambda: plot_sky(SkyCoord([0, 180] * u.deg, [0, 0] * u.deg)), ValueError, "no middle, all around the sky"),
        (lambda: plot_sky(SkyCoord([0, 170] * u.deg, [0, 0] * u.deg)), ValueError, "a position is 85 deg from"),
        (lambda: plot_sky(PLACE, centre="here"), TypeError, "centre must be one SkyCoord"),
        (lambda: plot_sky(PLACE, radius=3), u.UnitsError, "radius must be an angle with a unit"),
        (lambda: plot_sky(PLACE, radius=-3 * u.deg), ValueError, "radius must be one positive angle"),
        (lambda: plot_sky(PLACE, radius="wide"), ValueError, "radius must be an angle with a unit"),
        (lambda: plot_sky(PLACE, color_by="kind"), ValueError, "color_by must be a column of the table"),
    ],
)
def test_what_is_wrong_with_a_sky_is_named(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong()


PLACE = SkyCoord(10 * u.deg, 20 * u.deg)


def test_one_position_and_an_empty_sky_are_drawn():
    assert_allclose(offsets(plot_sky(PLACE)), [[0, 0]], atol=1e-9)
    ax = plot_sky(SkyCoord([] * u.deg, [] * u.deg), centre=PLACE, radius=3 * u.arcmin)
    assert offsets(ax).shape == (0, 2)
    assert ax.get_xlabel() == "East [arcmin]"


# --- classes --------------------------------------------------------------------------------------------------------


def classes():
    table = Table({"oid": ["ZTF1"] * 6, "classifier": ["lc"] * 4 + ["stamp"] * 2})
    table["class_name"] = ["RRL", "E", "LPV", "QSO", "SN", "VS"]
    table["probability"] = MaskedColumn([0.2, 0.7, 0.1, 0.99, 0.4, 0.6], mask=[0, 0, 0, 1, 0, 0])
    return table


def test_classes_are_sorted_within_their_classifier():
    ax = plot_probabilities(classes())
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_width()) for bar in ax.patches]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["E", "RRL", "LPV", "VS", "SN"]
    assert [width for _, width in sorted(bars)] == [0.7, 0.2, 0.1, 0.6, 0.4]
    assert ax.get_yticks().tolist() == [place for place, _ in sorted(bars)]
    low, high = ax.get_ylim()
    assert low > high, "the first group is at the top"
    assert [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"] == ["lc", "stamp"]
    assert (ax.get_xlabel(), ax.get_title()) == ("Probability", "ZTF1")


def test_versions_of_a_classifier_are_groups_of_their_own():
    table = classes()
    table["classifier_version"] = ["1"] * 3 + ["2"] * 3
    heads = [text.get_text() for text in plot_probabilities(table).texts if text.get_fontweight() == "bold"]
    assert heads == ["lc, 1", "stamp, 2"]


def test_tables_of_classes_are_checked():
    with pytest.raises(TypeError, match="table must be an astropy Table"):
        plot_probabilities({"classifier": []})
    with pytest.raises(ValueError, match="class_name are missing"):
        plot_probabilities(classes()["oid", "classifier", "probability"])
    two = classes()
    two["oid"][0] = "ZTF2"
    with pytest.raises(ValueError, match="table must be of one object, not of 2"):
        plot_probabilities(two)
    high = classes()
    high["probability"][0] = 1.5
    with pytest.raises(ValueError, match="a probability must lie between 0 and 1"):
        plot_probabilities(high)
    assert len(plot_probabilities(classes()[:0]).patches) == 0


# --- hostile names --------------------------------------------------------------------------------------------------


def visible(name):
    return name.replace("\x1b", "\N{REPLACEMENT CHARACTER}").replace("\u202e", "\N{REPLACEMENT CHARACTER}")


def hostile_figures(light_curve):
    """Figures that show all hostile names."""
    curve = light_curve[:28]
    curve["band"] = np.array(HOSTILE * 4)
    curve["field"] = 683
    yield plot_lightcurve(curve)
    yield plot_folded(curve, PERIOD * u.day)
    number = len(HOSTILE)
    table = Table({"classifier": HOSTILE, "class_name": HOSTILE, "probability": np.linspace(0, 1, number)})
    yield plot_probabilities(table)
    yield plot_sky(
        Table({"ra": np.arange(number) * u.deg, "dec": np.ones(number) * u.deg, "$n": HOSTILE}), color_by="$n"
    )


def test_names_are_drawn_letter_by_letter(light_curve):
    for ax in hostile_figures(light_curve):
        texts = [text.strip() for text in seen(ax.figure)]
        assert set(map(visible, HOSTILE)) <= set(texts)
        assert not [text for text in texts if "\x1b" in text or "\u202e" in text]


@pytest.mark.parametrize("name", [*HOSTILE, "two\nlines"])
def test_titles_are_drawn_letter_by_letter(name, light_curve):
    curve = light_curve[:4]
    curve.meta["id"] = name
    for ax in (plot_lightcurve(curve), plot_folded(curve, PERIOD * u.day)):
        assert ax.get_title().split("\n")[0] == visible(name).replace("$", "\\$").replace("\n", " ")
    assert visible(name).split("\n")[0] in [text.strip() for text in seen(plot_cmd(gaia(3), title=name).figure)]


def test_candidates_and_periodograms_with_hostile_words(light_curve, result):
    from alerce_zvar.plot.explorer import PeriodCandidate

    words = [PeriodCandidate(1 * u.day, "origin", "$x^{$ <b>"), PeriodCandidate(2 * u.day, "a_$b$")]
    axes = plot_period_candidates(light_curve, words)
    texts = seen(axes[0].figure)
    assert "$x^{$ <b>" in texts
    assert "a_$b$" in texts
    assert "$\\int$" in seen(plot_periodogram(result, title="$\\int$").figure)


def test_stamps_with_hostile_words():
    header = fits.Header({"BUNIT": "$\\frac{$"})
    stamps = fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(np.eye(9), header, name) for name in STAMPS)])
    stamps[0].header["OID"] = "$x_{$"
    texts = seen(plot_stamps(stamps))
    assert "$x_{$" in texts
    assert any("$\\frac{$" in text for text in texts)


# --- one column of a journal ----------------------------------------------------------------------------------------


def test_print_style_has_readable_texts_in_one_column(light_curve, result):
    with print_style():
        drawn = [
            plot_folded(light_curve, result, bins=5),
            plot_lightcurve(light_curve),
            plot_periodogram(result),
            plot_period_candidates(light_curve, result, n=3)[0],
            plot_cmd(gaia(5), background=gaia(300)),
            plot_sky(SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), radius=3 * u.deg),
            plot_probabilities(classes()),
        ]
        for ax in drawn:
            ax.figure.canvas.draw()
            assert ax.figure.get_size_inches()[0] == 3.5
            texts = [text for text in ax.figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
            assert len(texts) > 5
            assert min(text.get_size() for text in texts) >= 7
        assert mpl.rcParams["pdf.fonttype"] == mpl.rcParams["ps.fonttype"] == 42
        assert mpl.rcParams["svg.fonttype"] == "none"
    assert mpl.rcParams["pdf.fonttype"] == mpl.rcParamsDefault["pdf.fonttype"]
    assert plot_folded(light_curve, result).figure.get_size_inches().tolist() == [7.0, 4.2]
    with mpl.rc_context({"figure.figsize": (5, 5)}):
        assert plot_folded(light_curve, result).figure.get_size_inches().tolist() == [5.0, 5.0]


def test_the_legend_of_narrow_axes_is_below_and_hides_no_label(light_curve):
    with print_style():
        ax = plot_folded(light_curve, PERIOD * u.day)
        ax.figure.canvas.draw()
        legend, label = ax.get_legend().get_window_extent(), ax.xaxis.label.get_window_extent()
    assert legend.y1 <= label.y0
    assert legend.y0 >= 0


def test_132_classes_differ():
    styles = style.class_styles(f"class {i}" for i in range(132))
    assert len(set(styles.values())) == 132


# --- real stars -----------------------------------------------------------------------------------------------------


def ztf_star(folder, name):
    """All epochs of a star that are not bad, straight from IRSA's files, and its period from VSX."""
    rows = []
    for path in sorted((folder / "ztf_vsx" / "lightcurves").glob(f"{name}-z*.csv.gz")):
        with gzip.open(path, "rt") as file:
            rows += [row for row in csv.DictReader(file) if not int(row["catflags"]) & 32768]
    curve = TimeSeries(time=Time([float(row["hjd"]) for row in rows], format="jd", scale="utc"))
    curve["band"] = [row["filtercode"][-1] for row in rows]
    for column, key in (("mag", "mag"), ("mag_err", "magerr")):
        curve[column] = [float(row[key]) for row in rows] * u.mag
    truth = Table.read(folder / "ztf_vsx" / "truth.csv")
    return curve, float(truth["period_d"][truth["file_prefix"] == name][0]) * u.day


def rr_lyrae(folder, _):
    """An RR Lyrae star of Stripe 82 and its period."""
    truth = QTable.read(folder / "rrlyrae_s82" / "truth.csv")[0]
    rows = pd.read_parquet(folder / "rrlyrae_s82" / "lightcurves.parquet")
    own = rows[(rows["id"].astype(int) == truth["id"]) & (rows["magerr"] > 0) & rows["mag"].between(10, 25)]
    curve = TimeSeries(time=Time(own["time"], format="mjd", scale="utc"), data={"band": own["band"].to_numpy(str)})
    curve["mag"], curve["mag_err"] = own["mag"].to_numpy() * u.mag, own["magerr"].to_numpy() * u.mag
    return curve, truth["period_d"] * u.day


@pytest.mark.parametrize(("read", "name"), [(ztf_star, "u222"), (ztf_star, "minkovskiy24"), (rr_lyrae, "RR Lyrae")])
def test_real_stars_are_folded_as_by_astropy(real_data, read, name):
    """The same points as in a scatter plot of `TimeSeries.fold`."""
    curve, period = read(real_data, name)
    assert len(curve) > 100
    epoch = curve["time"].min()
    theirs = curve.fold(period, epoch_time=epoch, wrap_phase=period)
    plain = plt.subplots()[1]
    plain.scatter((theirs["time"] / period).to_value(u.one), theirs["mag"].value)
    wanted = plain.collections[0].get_offsets().data
    ours = points(plot_folded(curve, period, epoch_time=epoch, cycles=1))
    assert len(ours) == len(wanted) == len(curve)
    by_value = [xy[np.lexsort((xy[:, 0], xy[:, 1]))] for xy in (ours, wanted)]
    assert_array_equal(by_value[0][:, 1], by_value[1][:, 1])
    turn = np.abs(by_value[0][:, 0] - by_value[1][:, 0])
    assert np.max(np.minimum(turn, 1 - turn)) < 1e-6
