"""The manual pages that are tables: llmsnoop-config(5) from the keys, llmsnoop-record(5) from the record's JSON Schema. `reference.py`
writes the files. mdoc(7)."""
import json
import re

from documents import ROOT

HEAD = '.\\" Made by tests/docs/reference.py. Do not edit.\n.Dd November 20, 2026\n.Dt {title} 5\n.Os\n'


def text(words):
    """A line of prose: nothing in it is taken for a macro or an escape."""
    words = words.replace("\\", "\\e")
    return "\\&" + words if words.startswith((".", "'")) else words


def argument(word):
    """One argument of a macro line, whatever it looks like."""
    quoted = word.replace("\\", "\\e").replace('"', '""')
    return f'"\\&{quoted}"'


def config(keys):
    lines = [HEAD.format(title="LLMSNOOP-CONFIG"), """.Sh NAME
.Nm llmsnoop-config
.Nd configuration of the agent llmsnoop
.Sh DESCRIPTION
A YAML file, read by those commands of
.Xr llmsnoop 8
that are given it with
.Fl -config ;
the service reads
.Pa /etc/llmsnoop/config.yaml .
Sections are maps of keys.
Each key can also be set in the environment and by a flag.
Flags win over the environment, the environment over the file, the file over the defaults.
An unknown key, one that stands twice, or a value that does not fit ends the command with status 2 and a message that names
file, line and key.
.Dl llmsnoop config --config /etc/llmsnoop/config.yaml
prints what is in force.
.Pp
Bytes are written as 65536, 64KiB, 16MiB, 1GiB; durations as 250ms, 90s, 15m, 24h, 7d; switches as true or false, yes or no, on or off;
lists as [a, b] in the file and a,b in the environment, with a flag for each value on the command line.
"""]
    section = None
    for key in keys:
        if key.section != section:
            lines.append((".El\n" if section else "") + f".Ss {argument(key.section)}\n.Bl -tag -width Ds\n")
            section = key.section
        lines.append(f".It Cm {argument(key.name)} Pq {argument(key.type.replace('|', ', '))}\n{text(key.meaning[0].upper() + key.meaning[1:])}.\n"
                     f".Pp\nDefault\n.Ql {argument(key.default)} ,\n.Ev {key.variable} ,\n.Fl {key.flag[1:]} .\n")
    lines.append(""".El
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/llmsnoop/config.yaml
What the service reads.
.El
.Sh EXAMPLES
.Bd -literal -offset indent
select:
  cgroups: [/sys/fs/cgroup/system.slice]
audit:
  fsync: always
metrics:
  listen: 127.0.0.1:9100
.Ed
.Sh SEE ALSO
.Xr llmsnoop-record 5 ,
.Xr llmsnoop 8
""")
    return "".join(lines)


def kind_of(schema):
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any")
    return f"list of {kind_of(schema['items'])}" if kind == "array" else kind


def members(schema, above=""):
    """(name with dots, what it is, description), an object before what is in it."""
    for name, one in schema.get("properties", {}).items():
        yield above + name, kind_of(one), one.get("description", "")
        inner = one.get("items", one) if one.get("type") == "array" else one
        yield from members(inner, f"{above}{name}{'[]' if inner is not one else ''}.")


def record():
    schema = json.loads((ROOT / "exporters/record.schema.json").read_text(encoding="utf-8"))
    lines = [HEAD.format(title="LLMSNOOP-RECORD"), """.Sh NAME
.Nm llmsnoop-record
.Nd what llmsnoop says of one call to a large language model
.Sh DESCRIPTION
One JSON object a line, in the audit log and from
.Cm trace --json
and
.Cm replay
of
.Xr llmsnoop 8 .
What is absent is unknown; a zero was reported as a zero.
Times are UTC with nanoseconds, durations are milliseconds.
.Cm llmsnoop schema
prints the JSON Schema, which this page is made of.
.Sh MEMBERS
.Bl -tag -width Ds
"""]
    for name, kind, description in members(schema):
        described = f"{text(re.sub(r'[.]?$', '.', description, count=1))}\n" if description else ""
        lines.append(f".It Va {argument(name)} Pq {argument(kind)}\n{described}")
    lines.append(""".El
.Sh SEE ALSO
.Xr llmsnoop-config 5 ,
.Xr llmsnoop 8
""")
    return "".join(lines)


def files(keys):
    """{path from the root: contents}."""
    return {"deploy/man/llmsnoop-config.5": config(keys), "deploy/man/llmsnoop-record.5": record()}
