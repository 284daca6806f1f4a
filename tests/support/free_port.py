"""A port on loopback for programs that do not say which one they were given; whoever can takes port 0."""
import pathlib
import random
import socket


def free_port():
    """Below those that the kernel gives out by itself, so that in the meantime nobody is given it who has not asked for just this one."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    while True:
        try:
            with socket.socket() as one:
                one.bind(("127.0.0.1", random.randrange(first // 2, first)))
                return one.getsockname()[1]
        except OSError:
            continue  # somebody has it
