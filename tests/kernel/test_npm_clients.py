#!/usr/bin/python3
"""Programs that users run, as npm has them: the official SDKs on Node, Bun and Deno; with --agents also the command-line agents
Claude Code, Codex and opencode, of which each is some hundred MB. Each talks to the test server with a key that is none, in a network
namespace that has nothing but loopback; what the agent records equals what the server says it sent. With --agents a table is printed.

    sudo tests/kernel/test_npm_clients.py --build build [--agents]
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import kernel_case  # noqa: E402
import live  # noqa: E402
import npm_packages  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ALONE = "LLMSNOOP_TEST_ALONE"  # set in the network namespace: which folders of packages there are
APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"),
        ("--api", "responses", "--stream"), ("--api", "embeddings"))
KEY = "sk-none-0000000000"


class NpmCase(kernel_case.KernelCase):
    def packages(self, name):
        place = json.loads(os.environ[ALONE]).get(name)
        if not place or not pathlib.Path(place).is_dir():
            self.skipTest(place or f"--{name} was not given")
        return pathlib.Path(place)

    def count(self, name, program, run, library):
        """Runs the client `name`, whose TLS is in the executable `program`; every exchange is there, with its counts."""
        before = len(self.server.exchanges())
        more = ("--capture-libraries", program) if program else ()
        agent = self.agent("trace", "--http-body-hashes", "true", *more)
        run()
        records = [one for one in agent.stop() if live.lookup(one, "llm.provider")]
        truth = self.server.exchanges(before)
        self.assertEqual({one["net"].get("library") for one in records}, {library})
        self.expect_equal(records, truth)
        self.assertEqual({one["completeness"] for one in records}, {"complete"})
        self.assertEqual(agent.lost(), "nothing")
        tokens = sum(one["usage"].get("input_tokens", 0) + one["usage"].get("output_tokens", 0) for one in records)
        print(f"{name:<28} {library:<10} {len(records):>3} of {len(truth):>3} exchanges  {tokens:>7} tokens", file=sys.stderr)


class Clients(NpmCase):
    def sdk(self, name, sdk, *flags):
        place = self.packages("clients")
        version = json.loads((place / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"]

        def run():
            live.run_client(kernel_case.BUILD, self.server, "--packages", place, "--sdk", sdk, *flags, kind="sdk",
                            cgroup=self.cgroup)

        self.count(f"{name} {version}", None, run, "openssl")

    def test_openai(self):
        self.sdk("openai", "openai")

    def test_who_leaves_after_the_last_word_has_read_all(self):
        self.sdk("openai", "openai", "--with", "end_us=300000")

    def test_anthropic(self):
        self.sdk("@anthropic-ai/sdk", "anthropic")

    def runtime(self, kind, program, library):
        def run():
            for api in APIS:
                for way in ((), ("--fetch",)):
                    self.client(*api, *way, "--count", 2, kind=kind, program=str(program))

        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, env={"HOME": str(self.work)}).stdout
        self.count(f"{kind} {version.split()[-1] if kind == 'bun' else version.split()[1]}", program, run, library)

    def test_bun(self):
        self.runtime("bun", self.packages("clients") / "node_modules/@oven/bun-linux-x64/bin/bun", "boringssl")

    def test_deno(self):
        self.runtime("deno", self.packages("clients") / "node_modules/@deno/linux-x64-glibc/deno", "rustls")


class Agents(NpmCase):
    def run_agent(self, command, **settings):
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": self.server.certificate,
                       "SSL_CERT_FILE": self.server.certificate, **settings}
        done = subprocess.run([str(part) for part in command], cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=180, preexec_fn=live.child_setup(self.cgroup))
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])

    def test_claude(self):
        program = self.packages("agents") / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
        self.count("Claude Code 2.1.329", program, lambda: self.run_agent(
            [program, "-p", "say hello", "--model", "claude-sonnet-4-5"], ANTHROPIC_BASE_URL=f"https://localhost:{self.server.port}/with/tools=0",
            ANTHROPIC_API_KEY=KEY, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_TELEMETRY="1", DISABLE_AUTOUPDATER="1",
            DISABLE_ERROR_REPORTING="1", IS_SANDBOX="1"), "boringssl")

    def test_codex(self):
        program = self.packages("agents") / "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"
        self.count("Codex 0.169.0", program, lambda: self.run_agent(
            [program, "exec", "--skip-git-repo-check", "--sandbox", "read-only", "say hello"],
            CODEX_HOME=str(live.codex_home(self.server)), MODEL_KEY=KEY), "rustls")

    def test_opencode(self):
        program = self.packages("agents") / "node_modules/opencode-linux-x64/bin/opencode"
        home = self.work / "home"
        home.mkdir()
        (home / "opencode.json").write_text(json.dumps({
            "autoupdate": False, "share": "disabled", "model": "local/gpt-4o-mini", "small_model": "local/gpt-4o-mini",
            "provider": {"local": {"npm": "@ai-sdk/openai-compatible", "name": "local", "models": {"gpt-4o-mini": {"name": "m"}},
                                   "options": {"baseURL": f"https://localhost:{self.server.port}/with/tools=0/v1", "apiKey": KEY}}}}), encoding="utf-8")
        self.count("opencode 1.18.34", program, lambda: self.run_agent(
            [program, "run", "say hello"], OPENCODE_DISABLE_AUTOUPDATE="1", OPENCODE_DISABLE_MODELS_FETCH="1"), "boringssl")


def enter_alone():
    """Installs what is wanted, and starts this script again in a network namespace that has loopback only."""
    names = ["clients"] + (["agents"] if "--agents" in sys.argv else [])
    build = pathlib.Path(sys.argv[sys.argv.index("--build") + 1] if "--build" in sys.argv else "build").resolve()
    places = {}
    for name in names:
        try:
            places[name] = str(npm_packages.install(HERE / "npm" / name, build / "tests/kernel/npm" / name))
        except unittest.SkipTest as reason:
            places[name] = str(reason)
    os.environ[ALONE] = json.dumps(places)
    arguments = [one for one in sys.argv if one != "--agents"]
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, *arguments])


if __name__ == "__main__":
    if ALONE not in os.environ:
        enter_alone()
    kernel_case.main()
