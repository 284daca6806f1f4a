"""What an agent holds, in the kernel and of its own: descriptors, BPF programs, maps, links, elements of maps, memory.

Only objects that the agent itself holds are counted, by its /proc/PID/fdinfo, so that other agents on the machine do not
matter. An object is known by its id, and ids are given in order and not again at once: whether one has outlived its
agent can be asked of the kernel.
"""
import collections
import ctypes
import dataclasses
import os
import pathlib
import time

SYS_BPF = 321  # x86-64
MAP_LOOKUP, MAP_NEXT_KEY, INFO_BY_FD = 1, 4, 15  # enum bpf_cmd
FD_BY_ID = {"prog": 13, "map": 14, "link": 30}
HASHES = (1, 9)  # enum bpf_map_type: hash, LRU hash

_libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    result = _libc.syscall(SYS_BPF, command, attributes, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def fd_of(kind, identity):
    """A descriptor of the object with that id; None if there is none."""
    try:
        return bpf(FD_BY_ID[kind], ctypes.create_string_buffer(identity.to_bytes(4, "little"), 12))
    except FileNotFoundError:
        return None


def map_facts(fd):
    """(name, type, key size, max entries)"""
    info = ctypes.create_string_buffer(80)
    attributes = ctypes.create_string_buffer(16)
    attributes[0:4] = fd.to_bytes(4, "little")
    attributes[4:8] = len(info).to_bytes(4, "little")
    attributes[8:16] = ctypes.addressof(info).to_bytes(8, "little")
    bpf(INFO_BY_FD, attributes)
    word = [int.from_bytes(info[4 * i:4 * i + 4], "little") for i in range(6)]
    return info[24:40].split(b"\0")[0].decode(), word[0], word[2], word[4]


def count_elements(fd, key_size, most):
    key, following = ctypes.create_string_buffer(key_size), ctypes.create_string_buffer(key_size)
    attributes = ctypes.create_string_buffer(32)
    attributes[0:4] = fd.to_bytes(4, "little")
    attributes[16:24] = ctypes.addressof(following).to_bytes(8, "little")
    count = 0
    while count <= most:
        try:
            bpf(MAP_NEXT_KEY, attributes)
        except FileNotFoundError:
            break
        count += 1
        key[0:key_size] = following[0:key_size]
        attributes[8:16] = ctypes.addressof(key).to_bytes(8, "little")
    return count


@dataclasses.dataclass
class Footprint:
    ids: dict       # "prog", "map", "link": the ids that the process holds
    descriptors: int
    threads: int
    memory_kib: int  # anonymous: what malloc and its like have taken
    elements: dict  # of its hash maps, by name


def lasting_descriptors(pid):
    """Those that are open for longer than a file of /proc that somebody reads."""
    lasting = set(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(5):
        time.sleep(0.02)
        lasting &= set(os.listdir(f"/proc/{pid}/fd"))
    return lasting


def take(pid):
    ids = collections.defaultdict(set)
    descriptors = lasting_descriptors(pid)
    for number in descriptors:
        try:
            lines = pathlib.Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue  # closed meanwhile
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        kind = next((kind for kind in ("link", "map", "prog") if kind + "_id" in facts), None)
        if kind:
            ids[kind].add(int(facts[kind + "_id"]))
    elements = {}
    for identity in ids["map"]:
        fd = fd_of("map", identity)
        if fd is None:
            continue
        try:
            name, kind, key_size, most = map_facts(fd)
            if kind in HASHES:
                elements[name] = count_elements(fd, key_size, most)
        finally:
            os.close(fd)
    status = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    return Footprint(dict(ids), len(descriptors), int(status["Threads"]), int(status["RssAnon"].split()[0]), elements)


def left_behind(footprints, within=20):
    """Ids of objects of agents that have ended and that are still there. The kernel frees them a little later."""
    deadline = time.monotonic() + within
    while True:
        left = []
        for kind in FD_BY_ID:
            for identity in set().union(*(one.ids.get(kind, set()) for one in footprints)):
                fd = fd_of(kind, identity)
                if fd is not None:
                    os.close(fd)
                    left.append(f"{kind} {identity}")
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def table(columns):
    """`columns`: {title: Footprint}, as text."""
    names = sorted(set().union(*(one.elements for one in columns.values())))
    rows = [("", list(columns))]
    for kind in ("prog", "map", "link"):
        rows.append((f"BPF {kind}s", [len(one.ids.get(kind, ())) for one in columns.values()]))
    rows.append(("descriptors", [one.descriptors for one in columns.values()]))
    rows.append(("threads", [one.threads for one in columns.values()]))
    rows.append(("anonymous memory, KiB", [one.memory_kib for one in columns.values()]))
    for name in names:
        rows.append((f"in {name}", [one.elements.get(name, "") for one in columns.values()]))
    return "\n".join(f"  {name:24}" + "".join(f"{cell!s:>18}" for cell in cells) for name, cells in rows)
