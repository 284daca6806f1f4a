"""What the machine with containers brought back (guest/pods.py names its files), against what must be true.

Truth is the server's ledger and, by the model that each container asked for, whose container that was.
"""
import json
import pathlib
import re
import sys

import checks

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernel"))
import truth  # noqa: E402

# Where the pods' names come from: the runtimes' files; the API server; both, and the agent is in a container.
RUNS = ("files", "api", "daemonset")
PARTS = ("at-once", "imported", "short", "short-gone", "short-all-gone", "restart", "rename", "exec", "pretends", "pretends-deep", "reuse")
TYPES = [name.removesuffix("_tokens") for name in truth.TOKENS]


class Run:
    def __init__(self, results, name):
        self.name = name
        self.results = results
        self.facts = {one["model"]: one for one in json.loads(results.text(f"{name}.facts"))}
        # What came before anything counted: one of each file, until it was seen.
        self.entries = [one for one in results.ledger(name) if not one["request_model"].startswith("warm-")]
        audits = sorted((results.directory / f"{name}.audit").glob("*.jsonl"))
        records = [json.loads(line) for path in audits for line in path.read_text(encoding="utf-8").splitlines()]
        self.records = [one for one in records if "role" in one and not model_of(one).startswith("warm-")]

    def pod_of(self, model):
        """Namespace and pod as they are told; of one that nobody could tell, whatever is."""
        fact = self.facts[model]
        return (fact["namespace"], fact["pod"])

    def expected(self):
        """{(namespace, pod, model): (requests, {type: tokens})}"""
        sums = {}
        for one in self.entries:
            key = (*self.pod_of(one["request_model"]), one["model"])
            requests, tokens = sums.get(key, (0, {}))
            for name, kind in zip(truth.TOKENS, TYPES):
                if one[name]:
                    tokens[kind] = tokens.get(kind, 0) + one[name]
            sums[key] = (requests + 1, tokens)
        return sums

    def may_be_unknown(self, model):
        return self.facts[model]["named"] == "maybe"


def model_of(record):
    return truth.lookup(record, "llm.request_model") or ""


def differences(run, found, expected):
    """Both {(namespace, pod, model): value}. A pod whose name nobody could tell may be without one; it may not have another."""
    problems = []
    for key, value in found.items():
        if key in expected:
            continue
        known = next((one for one in expected if one[2] == key[2]), None)
        if known and run.may_be_unknown(key[2]) and key[:2] == (None, None):
            expected = {(key if one == known else one): value for one, value in expected.items()}
        elif known and None not in key[:2]:
            problems.append(f"{key[2]} is a wrong pod's: {key[0]}/{key[1]}, not {known[0]}/{known[1]}")
        else:
            problems.append(f"{key} is there, but was not")
    for key, value in expected.items():
        if key not in found:
            problems.append(f"{key} is missing")
        elif found[key] != value:
            problems.append(f"{key}: {found[key]}, the server says {value}")
    return problems


def check_usage(run):
    """`llmsnoop usage --by namespace,pod,model` gives the server's counts for each pod."""
    rows = json.loads(run.results.text(f"{run.name}.usage"))["rows"]
    found = {}
    for row in rows:
        key = tuple(row["group"].get(name) for name in ("namespace", "pod", "model"))
        if key[2] and not key[2].startswith("warm-"):
            found[key] = (row["requests"], {kind: row[name] for name, kind in zip(truth.TOKENS, TYPES) if row.get(name)})
    return differences(run, found, run.expected())


def check_promql(run):
    """Prometheus' sums are the server's counts for each pod."""
    found = {}
    for row in json.loads(run.results.text(f"{run.name}.promql")):
        labels, value = row["metric"], float(row["value"][1])
        if not labels.get("model", "").startswith("warm-") and value:
            key = (labels.get("namespace") or None, labels.get("pod") or None, labels.get("model"))
            found.setdefault(key, {})[labels["type"]] = value
    return differences(run, found, {key: tokens for key, (_, tokens) in run.expected().items()})


def check_records(run):
    """Each exchange has one record of the client and one of the server, which is in no pod."""
    problems = [f"{role}: {one}" for role in ("client", "server") for one in truth.compare(run.records, run.entries, role)]
    return problems + [f"the server is in a pod: {one['k8s']}" for one in run.records if one["role"] == "server" and "k8s" in one]


def check_part(run, part):
    """Each exchange of these containers has one record, which names the right pod and container."""
    models = {model for model, fact in run.facts.items() if fact["part"] == part}
    entries = [one for one in run.entries if one["request_model"] in models]
    records = [one for one in run.records if one["role"] == "client" and model_of(one) in models]
    problems = truth.compare(records, entries)
    for model in models:
        made = sum(one["request_model"] == model for one in entries)
        if made != run.facts[model]["count"]:
            problems.append(f"{model}: {made} exchanges were made, not {run.facts[model]['count']}")
    if not models:
        problems.append("nothing was to be seen")
    for record in records:
        problems += wrong_identity(record, run.facts[model_of(record)], run)
    if part == "reuse":
        problems += check_reuse(records)
    if part == "rename" and not pods_by_number(records):
        problems.append("no process had the number of one of the pod before")
    if part == "pretends-deep":
        problems += [f"{path} is not cut" for one in records if not (path := truth.lookup(one, "process.cgroup")).startswith("...")]
    if part == "at-once":
        problems += check_together(run, entries)
    return problems


def wrong_identity(record, fact, run):
    """What a record says about whose it is; what nobody can tell of a container that is gone may be absent, but never another's."""
    always = {"k8s.pod_uid": fact["uid"], "container.id": fact["container_id"], "process.cgroup": fact["cgroup"]}
    pod = {"k8s.namespace": fact["namespace"], "k8s.pod": fact["pod"]}
    container = {"k8s.container": fact["container"], "container.name": fact["container"]}
    must = dict(always) if fact.get("uid_known", True) else {}
    if fact["named"] == "yes":
        must.update(pod)
    if fact["named"] == "yes" and fact.get("container_known", True):
        must.update(container)
    if run.name != "api" and fact.get("uid_known", True):
        must["container.runtime"] = fact["runtime"]
    problems = []
    for path, wanted in {**always, **pod, **container, **must}.items():
        said = truth.lookup(record, path)
        if path == "process.cgroup" and path not in must and (said or "").startswith("...") and wanted.endswith(said[3:]):
            continue  # its end
        if said != wanted and (said is not None or path in must):
            problems.append(f"{fact['model']}: {path} is {said}, not {wanted}")
    return problems


def check_together(run, entries):
    """The connections of a round's pods were open at one time."""
    rounds = {}
    for model, fact in run.facts.items():
        if "round" in fact:
            rounds.setdefault(fact["round"], set()).add(model)
    problems = [] if rounds else ["no round was made"]
    for number, models in rounds.items():
        order = [one["request_model"] for one in entries if one["request_model"] in models]
        if len(models) != 3 or set(order[:3]) != models:  # each has made its first before any has made its second
            problems.append(f"round {number} was not at once: {order}")
    return problems


def pods_by_number(records):
    """{process number: pods}, of the numbers that processes of several pods had."""
    pods = {}
    for record in records:
        uid = truth.lookup(record, "k8s.pod_uid")
        if uid:
            pods.setdefault(truth.lookup(record, "process.pid"), set()).add(uid)
    return {number: of_number for number, of_number in pods.items() if len(of_number) > 1}


def check_reuse(records):
    """There must have been something to mix up, in the rounds that the agent watched, and in those that it missed the change in."""
    rounds = {(number - 20000) // 100 % 2 for number in pods_by_number(records)}
    return [] if rounds == {0, 1} else [f"no process had the number of another pod's in rounds of one kind: {rounds or 'none'}"]


def check_losses(run):
    said = re.findall(r"lost: (.*)", run.results.text(f"{run.name}.log"))
    if not said:
        return ["the agent did not say what it lost"]
    names = set(re.findall(r"[a-z_]+", said[-1])) - {"nothing"} - checks.EXPECTED_LOSSES
    if run.results.preempts():
        names -= checks.PREEMPTION_LOSSES
    return [f"lost: {said[-1]}"] if names else []


def check_endings(results):
    problems = checks.check_endings(results)
    said = results.text("scenario.log")
    return problems + re.findall(r"waited in vain .*|container .* ended with .*|.*Error.*", said)


def all_checks(directory):
    """{name: problems}"""
    results = checks.Results(directory)
    outcome = {}
    for name in RUNS:
        def attempt(what, check, name=name):
            try:
                outcome[f"{name}-{what}"] = check(Run(results, name))
            except (KeyError, ValueError, IndexError) as problem:  # a file is missing or cut
                outcome[f"{name}-{what}"] = [f"cannot be checked: {type(problem).__name__}: {problem}"]
        attempt("records", check_records)
        attempt("usage", check_usage)
        attempt("promql", check_promql)
        for part in PARTS:
            attempt(part, lambda run, part=part: check_part(run, part))
        attempt("losses", check_losses)
    outcome["endings"] = check_endings(results)
    return outcome
