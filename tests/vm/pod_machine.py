"""The machine with containers: what initramfs.py makes, and crun, containerd, Prometheus, a Python for the scenario, and an image."""
import hashlib
import io
import json
import pathlib
import py_compile
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile

import initramfs

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = {"crun": "crun", "containerd": "containerd", "ctr": "containerd", "containerd-shim-runc-v2": "containerd",
         "prometheus": "prometheus"}
MEMORY_MB = 3072
IMAGE = "registry.example/imported:1"
# Of Python's library, what the scenario and tests/kubernetes/api_server.py use.
PACKAGES = ("collections", "concurrent", "email", "encodings", "html", "http", "importlib", "json", "logging", "re", "urllib")
EXTENSIONS = ("_bisect", "_contextvars", "_hashlib", "_json", "_queue", "_ssl", "mmap", "resource", "termios")


def add_python(archive, directory):
    """Compiled here: in the machine it would take long. Without sources, so that no time stamp matters."""
    library = pathlib.Path(sysconfig.get_path("stdlib", vars={"base": "/usr", "installed_base": "/usr"}))
    program = pathlib.Path("/usr/bin/python3").resolve()
    add_program(archive, program, "usr/bin/python3")
    sources = list(library.glob("*.py")) + [one for package in PACKAGES for one in (library / package).rglob("*.py")]
    compiled = pathlib.Path(directory) / "module.pyc"
    for source in sources:
        py_compile.compile(str(source), str(compiled), str(source), doraise=True)
        archive.file(f"{str(source.parent)[1:]}/{source.stem}.pyc", compiled)
    for name in EXTENSIONS:
        for extension in (library / "lib-dynload").glob(f"{name}.cpython-*.so"):
            add_program(archive, extension, str(extension)[1:])
    archive.directory(str(library / "lib-dynload")[1:])


def add_program(archive, program, name):
    archive.file(name, program)
    for library in initramfs.libraries_of(program):
        archive.file(initramfs.in_merged_usr(library), library)


def layer_of(programs):
    """A root file system: busybox and these programs with their libraries."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:

        def directory(name):
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)

        def link(name, target):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)

        def file(name, path):
            data = pathlib.Path(path).read_bytes()
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(data)
            tar.addfile(member, io.BytesIO(data))

        for name in ("usr", "usr/bin", "usr/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu", "proc", "sys", "sys/fs", "sys/fs/cgroup",
                     "dev", "tmp", "run", "etc", "shared"):
            directory(name)
        for name, target in initramfs.LINKS.items():
            link(name, target)
        link("usr/bin/sh", "busybox")
        file("usr/bin/busybox", shutil.which("busybox"))
        libraries = {}
        for program in programs:
            file(f"usr/bin/{program.name}", program)
            libraries.update((initramfs.in_merged_usr(one), one) for one in initramfs.libraries_of(program))
        for name, path in sorted(libraries.items()):
            file(name, path)
    return out.getvalue()


def image_of(layer):
    """An archive as `docker save` writes it, which containerd imports."""
    settings = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin"]},
                           "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in (("manifest.json", manifest), ("config.json", settings), ("layer.tar", layer)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def build(build_directory, target):
    with tempfile.TemporaryDirectory(prefix="llmsnoop-vm-") as directory:
        def add(archive):
            for name in ("run", "guest", "images", "shared", "usr/lib/x86_64-linux-gnu", *initramfs.DIRECTORIES):
                archive.directory(name)
            # Another scenario.
            archive.text("guest/scenario", "exec /usr/bin/python3 /guest/pods.py\n")
            for path in (HERE / "guest/pods.py", HERE / "guest/pod_containers.py", HERE.parent / "kubernetes/api_server.py"):
                archive.file(f"guest/{path.name}", path)
            add_python(archive, directory)
            for tool in TOOLS:
                add_program(archive, shutil.which(tool), f"usr/bin/{tool}")
            stripped = pathlib.Path(directory) / "ssl_client"
            subprocess.run(["strip", "-o", stripped, pathlib.Path(build_directory) / "tests/support/clients/ssl_client"], check=True)
            image = pathlib.Path(directory) / "image.tar"
            image.write_bytes(image_of(layer_of([stripped, pathlib.Path(shutil.which("curl"))])))
            archive.file("images/image.tar", image)

        initramfs.build(build_directory, target, add)
