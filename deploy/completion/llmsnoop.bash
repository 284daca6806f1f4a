# Made by tests/docs/reference.py from `llmsnoop --help`. Do not edit.
_llmsnoop() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case "$command ${COMP_WORDS[i]}" in
        " run"|" trace"|" record"|" replay"|" doctor"|" audit"|" audit verify"|" schema"|" config")
            command="$command ${COMP_WORDS[i]}" ;;
        esac
    done
    case $before in
    --audit-enabled|--http-body-hashes|--metrics-enabled|--policy-hashes|--select-children|--tokens-estimate)
        mapfile -t COMPREPLY < <(compgen -W "true false" -- "$word")
        return ;;
    --audit-fsync)
        mapfile -t COMPREPLY < <(compgen -W "always interval never" -- "$word")
        return ;;
    --capture-plain-tcp)
        mapfile -t COMPREPLY < <(compgen -W "auto fexit kprobe syscall off" -- "$word")
        return ;;
    --capture-socket-hook)
        mapfile -t COMPREPLY < <(compgen -W "auto tracepoint fexit kprobe none" -- "$word")
        return ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$word")
        return ;;
    --policy-content)
        mapfile -t COMPREPLY < <(compgen -W "none redacted" -- "$word")
        return ;;
    --audit-directory|--capture-libraries|--cgroup|--config|--exe|--prices-file|--select-cgroups|--select-exes)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    --audit-fsync-interval|--audit-keep-bytes|--audit-keep-files|--audit-rotate-after|--audit-rotate-bytes|--capture-call-limit-bytes|--capture-nice|--capture-ring-bytes|--capture-rings|--comm|--container|--count|--filter|--for|--http-memory-bytes|--metrics-expire-after|--metrics-listen|--metrics-max-processes|--node-name|--pid|--pod|--select-comms|--select-containers|--select-pids|--select-pods|--select-uids|--uid)
        return ;;
    esac
    case "$command" in
    "")
        mapfile -t COMPREPLY < <(compgen -W "run trace record replay doctor audit schema config --help --version" -- "$word")
        ;;
    " run")
        mapfile -t COMPREPLY < <(compgen -W "--help --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --select-pids --select-cgroups --select-containers --select-pods --select-comms --select-exes --select-uids --select-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --metrics-enabled --metrics-listen --metrics-max-processes --metrics-expire-after --audit-enabled --audit-directory --audit-fsync --audit-fsync-interval --audit-rotate-bytes --audit-rotate-after --audit-keep-files --audit-keep-bytes --tokens-estimate --prices-file --log-level" -- "$word")
        ;;
    " trace")
        mapfile -t COMPREPLY < <(compgen -W "--help --json --count --for --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --tokens-estimate --prices-file --log-level" -- "$word")
        ;;
    " record")
        mapfile -t COMPREPLY < <(compgen -W "--help --for --keep-credentials --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --log-level" -- "$word")
        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        ;;
    " replay")
        mapfile -t COMPREPLY < <(compgen -W "--help --filter --json --config --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --tokens-estimate --prices-file --log-level" -- "$word")
        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        ;;
    " doctor")
        mapfile -t COMPREPLY < <(compgen -W "--help --json --config --pid --cgroup --container --pod --comm --exe --uid --no-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --log-level" -- "$word")
        ;;
    " audit")
        mapfile -t COMPREPLY < <(compgen -W "verify --help" -- "$word")
        ;;
    " audit verify")
        mapfile -t COMPREPLY < <(compgen -W "--help" -- "$word")
        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        ;;
    " schema")
        mapfile -t COMPREPLY < <(compgen -W "--help" -- "$word")
        ;;
    " config")
        mapfile -t COMPREPLY < <(compgen -W "--help --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --select-pids --select-cgroups --select-containers --select-pods --select-comms --select-exes --select-uids --select-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --metrics-enabled --metrics-listen --metrics-max-processes --metrics-expire-after --audit-enabled --audit-directory --audit-fsync --audit-fsync-interval --audit-rotate-bytes --audit-rotate-after --audit-keep-files --audit-keep-bytes --tokens-estimate --prices-file --log-level" -- "$word")
        ;;
    esac
}
complete -o filenames -F _llmsnoop llmsnoop
