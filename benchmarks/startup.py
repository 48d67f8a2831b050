"""How long the package keeps a user waiting at the start. Each figure is the median of several fresh interpreters.

``python benchmarks/startup.py`` prints; with ``--check`` it exits with 1 where an aim is missed.
"""

import argparse
import statistics
import subprocess
import sys
import time

IMPORT = "import alerce_zvar"
CORE = "import alerce_zvar as a; a.Alerce, a.Zvar, a.LightCurves, a.find_period, a.fold, a.conf"
# Figure -> command after the interpreter's name, and the seconds it may take.
FIGURES = {
    "python alone": (["-c", "pass"], None),
    "import astropy.table": (["-c", "import astropy.table"], None),
    "import alerce_zvar": (["-c", IMPORT], 1.5),
    "import every core name": (["-c", CORE], 1.5),
    "alerce-zvar --help": (["-m", "alerce_zvar", "--help"], 0.5),
}


def seconds(arguments, repeats):
    """Median duration of a fresh interpreter; the first run, which may compile, is not counted."""
    durations = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        durations.append(time.perf_counter() - begin)
    return statistics.median(durations[1:])


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    missed = []
    for figure, (arguments, aim) in FIGURES.items():
        value = seconds(arguments, options.repeats)
        print(f"{figure}: {value:.2f} s" + ("" if aim is None else f" (aim: {aim} s)"))
        if aim is not None and value > aim:
            missed.append(figure)
    if missed:
        print(f"over their aims: {', '.join(missed)}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
