"""Packages of npm that tests need, installed once below the build."""
import fcntl
import pathlib
import shutil
import subprocess
import unittest


def install(source, place):
    """Just the packages of the lock file in the folder `source`, whose files are copied to `place`; their scripts are not run. Returns
    `place`. Skips the test that calls it where npm or its registry is missing."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise unittest.SkipTest(f"{program} is not installed")
    place.mkdir(parents=True, exist_ok=True)
    with open(place.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # CTest runs the tests side by side, and more than one needs the same folder
        _install(pathlib.Path(source), place)
    return place


def _install(source, place):
    wanted = (source / "package-lock.json").read_text(encoding="utf-8")
    for file in source.iterdir():
        copy = place / file.name
        if not copy.exists() or copy.read_bytes() != file.read_bytes():  # another test may be reading it
            shutil.copy(file, copy)
    marker = place / "installed"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=place,
                          capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise unittest.SkipTest(f"npm cannot install {source.name}: {(done.stderr.splitlines() or ['no message'])[0]}")
    marker.write_text(wanted, encoding="utf-8")
