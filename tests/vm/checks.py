"""What the virtual machine brought back (guest/library names its files), against what must be true.

Each check returns sentences about what is wrong; none is good.
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernel"))
import truth  # noqa: E402

SELECTIONS = ("comm", "exe", "uid", "both", "cgroup", "container", "pod", "children", "childless", "ancestor")
HOOKS = ("tracepoint", "fexit", "kprobe")
PLAIN_HOOKS = ("fexit", "tracepoint", "kprobe", "syscall")
# What a run may say that it lost: /proc came too late for processes that are gone, which is what some of them are for.
EXPECTED_LOSSES = {"process_gone"}
# A read that waits when tracing begins is not seen by probes, whose entry it has passed: its request is lost to the server.
# System calls, and the sockets' tracepoints, need no entry.
LATE_LOSSES = {"http_joined_late", "http_unpaired"}
# Where the kernel preempts programs it skips those that another thread comes to meanwhile (bpf/README.md), and here, where
# everything is emulated, a program takes long. Of what is then missing, the other checks tell.
PREEMPTION_LOSSES = {"program_skipped"}
SEES_WAITING_READS = ("plain-syscall", "plain-tracepoint")
# A fact of a client, and where a record has it.
FACTS = {
    "comm": "process.comm",
    "exe": "process.exe",
    "uid": "process.uid",
    "cgroup": "process.cgroup",
    "container": "container.id",
    "image": "container.image",
    "runtime": "container.runtime",
    "pod": "k8s.pod_uid",
    "podname": "k8s.pod",
}


class Results:
    """The files of one virtual machine."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def text(self, name):
        path = self.directory / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def records(self, run):
        return [json.loads(line) for line in self.text(f"{run}.out").splitlines() if line.startswith("{")]

    def ledger(self, *servers):
        return [entry for server in servers for entry in json.loads(self.text(f"{server}.ledger"))["log"]["exchanges"]]

    def clients(self, run):
        return [Client(self, path) for path in sorted(self.directory.glob(f"{run}.*.client"))]

    def preempts(self):
        return bool(re.search(r"Dynamic Preempt: (?:lazy|full)|PREEMPT_RT", self.text("dmesg.log")))

    def release(self):
        match = re.search(r"Linux (\d+)\.(\d+)", self.text("scenario.log"))
        return (int(match[1]), int(match[2])) if match else (0, 0)


class Client:
    """One client of a run: the exchanges that must have been seen, and those that may have been."""

    def __init__(self, results, path):
        self.name = path.name.removesuffix(".client")
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        ids = [line["id"] for line in lines if line.get("id")]
        late = self.name.endswith("-late")
        self.seen = not self.name.endswith("-unseen")
        first = ids[:1] if late else []
        waited_for = ids[1:2] if late and not self.name.startswith(SEES_WAITING_READS) else []
        self.may = {"client": first, "server": first + waited_for}
        self.must = ids[len(first):]
        self.facts = dict(line.split("=", 1) for line in results.text(f"{self.name}.facts").splitlines())


def compare_run(results, run, entries, roles, besides=()):
    """Records of a run against the ledger: one for each exchange and role, and right about their process and peer. `besides`: of
    these exchanges there may be records, too."""
    optional = {role: {one for client in results.clients(run) for one in client.may[role]} | set(besides) for role in ("client", "server")}
    records = [one for one in results.records(run) if truth.lookup(one, "llm.response_id") not in optional[one["role"]]]
    due = {role: [one for one in entries if one["id"] not in optional[role]] for role in roles}
    problems = [] if all(due.values()) else ["nothing was to be seen"]
    for role in roles:
        problems += [f"{role}: {one}" for one in truth.compare(records, due[role], role)]
    if len(roles) == 1:
        problems += [f"a record of the {one['role']}" for one in records if one["role"] not in roles]
    by_role = {role: [one for one in records if one["role"] == role] for role in roles}
    pairs = {role: truth.match(by_role[role], due[role], role)[0] for role in roles}
    for role in roles:
        problems += compare_peers(pairs[role], role)
    if len(roles) == 2:
        problems += compare_pairs(pairs)
    for client in results.clients(run):
        problems += compare_facts(client, by_role["client"])
    return problems


def compare_peers(pairs, role):
    path = "net.local.port" if role == "client" else "net.peer.port"
    return [f"{role}: {entry['id']}: {path} is {truth.lookup(record, path)}, not {entry['client_port']}"
            for record, entry in pairs if record and truth.lookup(record, path) != entry["client_port"]]


def compare_pairs(pairs):
    problems = []
    servers = {id(entry): record for record, entry in pairs["server"]}
    for ours, entry in pairs["client"]:
        theirs = servers.get(id(entry))
        if ours and theirs and (ours.get("pair"), theirs.get("pair")) != (theirs["id"], ours["id"]):
            problems.append(f"{entry['id']}: the records of the two sides do not name each other")
    return problems


def compare_facts(client, records):
    mine = [one for one in records if truth.lookup(one, "llm.response_id") in client.must]
    problems = []
    for name, expected in client.facts.items():
        found = {str(truth.lookup(record, FACTS[name])) for record in mine}
        if found - {expected}:
            problems.append(f"{client.name}: {name} is {', '.join(sorted(found))}, not {expected}")
    return problems


def unexpected_losses(results, run):
    said = re.findall(r"lost: (.*)", results.text(f"{run}.log"))
    if not said:
        return ["the agent did not say what it lost"]
    names = set(re.findall(r"[a-z_]+", said[-1])) - {"nothing"} - EXPECTED_LOSSES
    if run not in SEES_WAITING_READS and any(client.name.endswith("-late") for client in results.clients(run)):
        names -= LATE_LOSSES
    if results.preempts():
        names -= PREEMPTION_LOSSES
    return [f"lost: {said[-1]}"] if names else []


# --- the checks

# Of a million that the verifier does. A program that comes near it takes seconds to load, and the next compiler's may be refused.
MOST_STEPS = 400_000


def check_programs(results):
    """The verifier takes every program that this kernel can run, and without much ado."""
    tried = [line.split() for line in results.text("load_check.out").splitlines()]
    problems = [] if tried else ["no program was tried"]
    problems += [f"{program}: nothing is known of its verification" for program, verdict, steps in tried
                 if verdict == "accepted" and steps == "0"]
    problems += [f"{program} took {steps} steps to verify" for program, _, steps in tried if int(steps) > MOST_STEPS]
    for program, verdict, _ in tried:
        needs = (6, 13) if program.endswith("_session") else (6, 3) if program.endswith("_tracepoint") else (0, 0)
        if program.startswith("plain_sendpage_") and results.release() >= (6, 5):
            continue  # the function is gone
        if verdict != "accepted" and results.release() >= needs:
            problems.append(f"{program} {verdict}")
    return problems


def check_doctor(results):
    report = json.loads(results.text("doctor.out") or "{}")
    expected = {
        "tls": "uprobe session" if results.release() >= (6, 13) else "uprobe multi" if results.release() >= (6, 6) else "uprobe and uretprobe",
        "socket": "tracepoint" if results.release() >= (6, 3) else "fexit",
        "plain_tcp": "fexit",
    }
    problems = [] if report.get("can_trace") else ["doctor says that tracing is not possible"]
    for name, hook in expected.items():
        if report.get("hooks", {}).get(name) != hook:
            problems.append(f"{name} hook is {report.get('hooks', {}).get(name)}, not {hook}")
    return problems


def check_node(results):
    """Every exchange of the node, from both sides."""
    problems = compare_run(results, "node", results.ledger("classic", "extended"), ("client", "server"))
    return problems + unexpected_losses(results, "node")


def check_crun(results):
    """The clients in a container of crun were there; that they were seen is part of `node`. None: bookworm's crun does not start here,
    because 5.10 does not execute the copy of itself that it makes first."""
    if results.release() == (5, 10) and "Failed to re-execute libcrun" in results.text("crun.probe"):
        return None
    made = [client for client in results.clients("node") if client.name.startswith("node.crun") and client.must]
    return [] if len(made) == 2 else [f"crun: {results.text('crun.probe')}"]


def check_libraries(results):
    """Go (stripped), OpenSSL in a stripped executable, GnuTLS: both sides of every exchange."""
    problems = compare_run(results, "libraries", results.ledger("libraries"), ("client", "server"),
                           besides=[one["id"] for one in results.ledger("warm")])
    seen = {(record["process"]["comm"], record["net"]["library"]) for record in results.records("libraries") if record["role"] == "client"}
    wanted = {("go_client", "go"), ("wget", "gnutls")}
    if any(client.name == "libraries.static-seen" for client in results.clients("libraries")):
        wanted.add(("ssl_client_stri", "openssl"))
    return problems + [f"{name} by {library} was not seen" for name, library in wanted - seen]


def check_selection(results, run):
    """The clients that are selected, all of their exchanges, and nobody else's."""
    wanted = {one for client in results.clients(run) if client.seen for one in client.must}
    entries = [one for one in results.ledger("selected") if one["id"] in wanted]
    if not wanted:  # a run in which nothing is to be seen
        return [f"{truth.lookup(one, 'process.comm')} was seen" for one in results.records(run)]
    return compare_run(results, run, entries, ("client",)) + unexpected_losses(results, run)


def check_plain(results, run):
    """Plain TCP, both ends of every exchange, and none twice; the first of the connection that was in use is not there."""
    wanted = {one for client in results.clients(run) for one in client.must + client.may["client"]}
    entries = [one for one in results.ledger("plain") if one["id"] in wanted]
    return compare_run(results, run, entries, ("client", "server")) + unexpected_losses(results, run)


# BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH; on 5.10 SYS_RESOURCE too; and SYS_ADMIN.
LEAST = 1 << 39 | 1 << 38 | 1 << 19 | 1 << 2
OF_5_10 = 1 << 24
ADMIN = 1 << 21


def check_least(results, run):
    """With exactly these capabilities, everything of whoever is selected. None: this kernel lets only CAP_SYS_ADMIN make uprobes by perf
    events (6.16, stable ones from July 2025), and that is all that the agent complains of."""
    if run == "least" and "uprobe: perf_event_open: Permission denied (" in results.text("least.probe"):
        return None
    wanted = LEAST | (OF_5_10 if results.release() == (5, 10) else 0) | (ADMIN if run == "least-admin" else 0)
    sets = dict(re.findall(r"Cap(\w+):\s+(\w+)", results.text(f"{run}.capabilities")))
    if {int(sets[name], 16) for name in ("Prm", "Eff", "Bnd")} != {wanted}:
        return [f"it ran with {sets}"]
    wanted_ids = {one for client in results.clients(run) for one in client.must + client.may["client"]}
    entries = [one for one in results.ledger("least") if one["id"] in wanted_ids]
    return compare_run(results, run, entries, ("client",)) + unexpected_losses(results, run)


def check_tape(results):
    problems = compare_run(results, "tape", results.ledger("taped"), ("client", "server"))
    return problems if results.text("replay.status").strip() == "0" else [*problems, "replay failed"]


def check_endings(results):
    """Every program ended as it should, and the kernel had nothing to complain of."""
    problems = [f"{path.stem} ended with {path.read_text(encoding='utf-8').strip()}"
                for path in sorted(results.directory.glob("*.status")) if path.read_text(encoding="utf-8").strip() != "0"]
    if not results.text("scenario.log").rstrip().endswith("done"):
        problems.append("the scenario did not come to its end")
    for log in sorted(results.directory.glob("*.log")):  # a lesser way than this kernel allows
        problems += [f"{log.stem}: {line}" for line in results.text(log.name).splitlines() if "do not load" in line]
    complaints = re.findall(r".*(?:WARNING:|BUG:|Oops|stall).*", results.text("dmesg.log"))
    return problems + [line.strip() for line in complaints]


def all_checks(directory):
    """{name: problems, or None where this kernel lacks what the check is about}"""
    results = Results(directory)
    checks = {
        "programs": check_programs,
        "doctor": check_doctor,
        "node": check_node,
        "crun": check_crun,
        "libraries": check_libraries,
        **{run: lambda r, run=run: check_selection(r, run) for run in SELECTIONS},
        **{f"hook-{hook}": lambda r, run=f"hook-{hook}": check_selection(r, run) for hook in HOOKS},
        **{f"plain-{hook}": lambda r, run=f"plain-{hook}": check_plain(r, run) for hook in PLAIN_HOOKS},
        "tape": check_tape,
        **{run: lambda r, run=run: check_least(r, run) for run in ("least", "least-admin")},
        "endings": check_endings,
    }
    outcome = {}
    for name, check in checks.items():
        if name.endswith("-tracepoint") and results.release() < (6, 3):
            outcome[name] = None
            continue
        try:
            outcome[name] = check(results)
        except (KeyError, ValueError, IndexError) as problem:  # a file is missing or cut
            outcome[name] = [f"cannot be checked: {type(problem).__name__}: {problem}"]
    return outcome
