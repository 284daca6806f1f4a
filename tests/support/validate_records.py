#!/usr/bin/python3
"""Validates records (JSON lines) against the JSON Schema of the exchange record.

    validate_records.py exporters/record.schema.json FILE...

Says which line breaks which part of the schema and exits 1 if any does; needs Debian's python3-jsonschema.
"""
import json
import sys

from jsonschema import Draft202012Validator


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    records = problems = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8", newline="\n") as lines:  # ill-formed UTF-8 is an error too
            for number, line in enumerate(lines, 1):
                records += 1
                for problem in validator.iter_errors(json.loads(line)):
                    problems += 1
                    place = "/".join(str(part) for part in problem.absolute_path)
                    print(f"{path}:{number}: {place}: {problem.message[:200]}", file=sys.stderr)
    if records == 0:
        sys.exit("no records")
    if problems:
        sys.exit(f"{problems} problems in {records} records")


if __name__ == "__main__":
    main()
