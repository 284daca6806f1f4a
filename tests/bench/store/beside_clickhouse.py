#!/usr/bin/python3
"""What a million exchanges cost the store, in SQLite and in a ClickHouse that is started for it and ends with it.

    tests/bench/store/beside_clickhouse.py --build build [COUNT]
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "store"))
import test_clickhouse  # noqa: E402
import tool  # noqa: E402


def main():
    build = tool.build()
    count = sys.argv[1] if len(sys.argv) > 1 else "1000000"
    if not test_clickhouse.SERVER:
        print("SKIPPED: there is no clickhouse-server here (Debian: apt-get install clickhouse-server)", file=sys.stderr)
        return 77
    case = test_clickhouse.Clickhouse()
    try:
        case.setUp()
        case.start()
        with tempfile.TemporaryDirectory() as directory:
            return subprocess.run([build / "tests/bench/store/store_bench", directory, count, case.url, str(case.server.pid)], check=False).returncode
    finally:
        case.doCleanups()


if __name__ == "__main__":
    sys.exit(main())
