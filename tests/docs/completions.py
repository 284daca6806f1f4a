"""Completion for bash, zsh and fish, made from what the binary's --help says. `reference.py` writes the files."""
import dataclasses
import re

import documents

HEAD = "# Made by tests/docs/reference.py from `llmsnoop --help`. Do not edit.\n"
OPTION = re.compile(r"^  (?:-\w,)?(--[a-z][a-z0-9-]*)(?: (\S+))?(?:\s{2,}(.*))?$")
FILES = {"FILE", "FILE...", "PATH", "paths", "path"}


@dataclasses.dataclass
class Option:
    flag: str
    value: str = ""  # what its value is called; empty: it takes none
    meaning: str = ""

    @property
    def choices(self):
        if self.value == "switch":
            return ["true", "false"]
        return self.value.split("|") if "|" in self.value else []

    @property
    def takes_files(self):
        return self.value in FILES or self.flag.endswith(("-directory", "-file", "-libraries", "-exes", "-cgroups"))


@dataclasses.dataclass
class Command:
    words: str  # "audit verify"
    meaning: str = ""
    options: list = dataclasses.field(default_factory=list)
    takes_files: bool = False
    commands: list = dataclasses.field(default_factory=list)


def read_help(llmsnoop, words="", meaning=""):
    """A command with its options, and the commands below it."""
    command = Command(words, meaning)
    section = ""
    for line in documents.run(llmsnoop, *words.split(), "--help").splitlines():
        if re.match(r"^[A-Z][\w ();,:]*:$", line):
            section = line.split()[0].rstrip(":")
        elif section in ("Options", "Selection", "Configuration") and (match := OPTION.match(line)):
            command.options.append(Option(match[1], match[2] or "", match[3] or ""))
        elif command.options and not command.options[-1].meaning and re.match(r"^ {20,}\S", line):
            command.options[-1].meaning = line.strip()
        elif section == "Positionals" and re.match(r"^  FILE", line):
            command.takes_files = True
        elif section == "Subcommands" and (match := re.match(r"^  ([a-z]+) +(.*)$", line)):
            command.commands.append(read_help(llmsnoop, f"{words} {match[1]}".strip(), match[2]))
    if not command.options:
        raise ValueError(f"no options in the help of llmsnoop {words}")
    return command


def all_commands(command):
    yield command
    for below in command.commands:
        yield from all_commands(below)


def words_of(command):
    """What may come next after a command, other than a file."""
    return " ".join([below.words.split()[-1] for below in command.commands] + [option.flag for option in command.options])


def bash(top):
    lines = [HEAD + "_llmsnoop() {", '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i', "    COMPREPLY=()",
             "    for ((i = 1; i < COMP_CWORD; ++i)); do", '        case "$command ${COMP_WORDS[i]}" in']
    names = "|".join(f'" {command.words}"' for command in all_commands(top) if command.words)
    lines += [f"        {names})", '            command="$command ${COMP_WORDS[i]}" ;;', "        esac", "    done"]
    lines += ["    case $before in"]
    seen = {}
    for command in all_commands(top):
        for option in command.options:
            if option.value:
                seen.setdefault(option.flag, option)
    by_choices, files, others = {}, [], []
    for flag, option in sorted(seen.items()):
        if option.choices:
            by_choices.setdefault(" ".join(option.choices), []).append(flag)
        else:
            (files if option.takes_files else others).append(flag)
    for choices, flags in by_choices.items():
        lines += [f"    {'|'.join(flags)})", f'        mapfile -t COMPREPLY < <(compgen -W "{choices}" -- "$word")', "        return ;;"]
    lines += [f"    {'|'.join(files)})", '        mapfile -t COMPREPLY < <(compgen -f -- "$word")', "        return ;;"]
    lines += [f"    {'|'.join(others)})", "        return ;;", "    esac", '    case "$command" in']
    for command in all_commands(top):
        lines.append(f'    "{" " + command.words if command.words else ""}")')
        lines.append(f'        mapfile -t COMPREPLY < <(compgen -W "{words_of(command)}" -- "$word")')
        if command.takes_files:
            lines.append('        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")')
        lines.append("        ;;")
    lines += ["    esac", "}", "complete -o filenames -F _llmsnoop llmsnoop", ""]
    return "\n".join(lines)


def quoted(text):
    """Inside single quotes, for zsh and fish alike."""
    return text.replace("\\", "").replace("'", "’")


def zsh(top):
    lines = ["#compdef llmsnoop", HEAD.rstrip()]

    def function(command):
        return "_llmsnoop" + "".join("_" + word for word in command.words.split())

    def describe(option):
        meaning = quoted(option.meaning).replace("[", "(").replace("]", ")").replace(":", "\\:")
        if not option.value:
            return f"'{option.flag}[{meaning}]'"
        action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.takes_files else " "
        return f"'*{option.flag}[{meaning}]:{quoted(option.value).replace('|', ' ')}:{action}'"

    for command in reversed(list(all_commands(top))):
        lines += [f"{function(command)}() {{", "    local state line" if command.commands else "    :"]
        lines += ["    _arguments -C \\" if command.commands else "    _arguments \\"]
        arguments = [f"        {describe(option)}" for option in command.options]
        if command.commands:
            arguments += ["        '1: :->command'", "        '*:: :->rest'"]
        elif command.takes_files:
            arguments.append("        '*:file:_files'")
        lines.append(" \\\n".join(arguments))
        if command.commands:
            names = " ".join(f"'{below.words.split()[-1]}:{quoted(below.meaning)}'" for below in command.commands)
            lines += ["    case $state in", "    command)", f"        local -a commands=({names})", "        _describe command commands ;;", "    rest)",
                      "        case $line[1] in"]
            lines += [f"        {below.words.split()[-1]}) {function(below)} ;;" for below in command.commands]
            lines += ["        esac ;;", "    esac"]
        lines += ["}", ""]
    return "\n".join(lines + ['_llmsnoop "$@"', ""])


def fish(top):
    lines = [HEAD.rstrip(), "complete -c llmsnoop -f"]
    names = " ".join(below.words for below in top.commands)
    for command in all_commands(top):
        words = command.words.split()
        here = " && ".join([f"__fish_seen_subcommand_from {word}" for word in words]) or f"not __fish_seen_subcommand_from {names}"
        if command.commands:
            below_names = " ".join(below.words.split()[-1] for below in command.commands)
            none_below = f"{here} && not __fish_seen_subcommand_from {below_names}" if words else here
            for below in command.commands:
                lines.append(f"complete -c llmsnoop -n '{none_below}' -a {below.words.split()[-1]} -d '{quoted(below.meaning)}'")
        if command.takes_files:
            lines.append(f"complete -c llmsnoop -n '{here}' -F")
        for option in command.options:
            line = f"complete -c llmsnoop -n '{here}' -l {option.flag[2:]} -d '{quoted(option.meaning)}'"
            if option.value:
                line += f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r -F" if option.takes_files else " -x"
            lines.append(line)
    return "\n".join(lines) + "\n"


def files(llmsnoop):
    """{path from the root: contents}."""
    top = read_help(llmsnoop)
    return {"deploy/completion/llmsnoop.bash": bash(top), "deploy/completion/_llmsnoop": zsh(top), "deploy/completion/llmsnoop.fish": fish(top)}
