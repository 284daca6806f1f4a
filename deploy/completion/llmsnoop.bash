# Made by tests/docs/reference.py from `llmsnoop --help`. Do not edit.
_llmsnoop() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case "$command ${COMP_WORDS[i]}" in
        " run"|" trace"|" record"|" replay"|" doctor"|" usage"|" show"|" audit"|" audit verify"|" schema"|" config")
            command="$command ${COMP_WORDS[i]}" ;;
        esac
    done
    case $before in
    --api-enabled|--api-insecure|--audit-enabled|--capture-mute|--containers-api|--http-body-hashes|--kubernetes-verify|--metrics-enabled|--policy-hashes|--select-children|--store-enabled|--tokens-estimate)
        mapfile -t COMPREPLY < <(compgen -W "true false" -- "$word")
        return ;;
    --audit-fsync)
        mapfile -t COMPREPLY < <(compgen -W "always interval never" -- "$word")
        return ;;
    --capture-plain-tcp)
        mapfile -t COMPREPLY < <(compgen -W "auto fexit tracepoint kprobe syscall off" -- "$word")
        return ;;
    --capture-socket-hook)
        mapfile -t COMPREPLY < <(compgen -W "auto tracepoint fexit kprobe none" -- "$word")
        return ;;
    --kubernetes-mode)
        mapfile -t COMPREPLY < <(compgen -W "auto api kubelet off" -- "$word")
        return ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$word")
        return ;;
    --policy-content)
        mapfile -t COMPREPLY < <(compgen -W "none redacted" -- "$word")
        return ;;
    --tokens-batch-results)
        mapfile -t COMPREPLY < <(compgen -W "ignored counted" -- "$word")
        return ;;
    --api-token-file|--audit-directory|--ca-file|--capture-libraries|--cgroup|--config|--exe|--kubernetes-ca-file|--kubernetes-token-file|--prices-file|--select-cgroups|--select-exes|--store|--store-clickhouse-ca-file|--store-clickhouse-password-file|--store-spool-directory|--token-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    --api-listen|--api-max-streams|--api-tls-certificate|--api-tls-key|--audit-fsync-interval|--audit-keep-bytes|--audit-keep-files|--audit-rotate-after|--audit-rotate-bytes|--blind-after|--blind-hosts|--blind-keep|--by|--capture-call-limit-bytes|--capture-nice|--capture-ring-bytes|--capture-rings|--comm|--container|--containers-roots|--containers-sockets|--count|--filter|--for|--format|--http-memory-bytes|--kubernetes-annotations|--kubernetes-api-url|--kubernetes-kubelet-url|--kubernetes-labels|--kubernetes-wait|--limit|--metrics-expire-after|--metrics-listen|--metrics-max-pods|--metrics-max-processes|--node-name|--order|--pid|--pod|--select-comms|--select-containers|--select-pids|--select-pods|--select-uids|--since|--store-clickhouse-database|--store-clickhouse-user|--store-keep-for|--store-max-bytes|--store-path|--store-spool-bytes|--uid|--until|--url)
        return ;;
    esac
    case "$command" in
    "")
        mapfile -t COMPREPLY < <(compgen -W "run trace record replay doctor usage show audit schema config --help --version" -- "$word")
        ;;
    " run")
        mapfile -t COMPREPLY < <(compgen -W "--help --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --select-pids --select-cgroups --select-containers --select-pods --select-comms --select-exes --select-uids --select-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-mute --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --blind-after --blind-keep --blind-hosts --containers-roots --containers-api --containers-sockets --kubernetes-mode --kubernetes-api-url --kubernetes-kubelet-url --kubernetes-token-file --kubernetes-ca-file --kubernetes-verify --kubernetes-labels --kubernetes-annotations --kubernetes-wait --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --metrics-enabled --metrics-listen --metrics-max-processes --metrics-max-pods --metrics-expire-after --audit-enabled --audit-directory --audit-fsync --audit-fsync-interval --audit-rotate-bytes --audit-rotate-after --audit-keep-files --audit-keep-bytes --store-enabled --store-path --store-keep-for --store-max-bytes --store-clickhouse-database --store-clickhouse-user --store-clickhouse-password-file --store-clickhouse-ca-file --store-spool-directory --store-spool-bytes --api-enabled --api-listen --api-token-file --api-tls-certificate --api-tls-key --api-insecure --api-max-streams --tokens-estimate --tokens-batch-results --prices-file --log-level" -- "$word")
        ;;
    " trace")
        mapfile -t COMPREPLY < <(compgen -W "--help --json --count --for --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-mute --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --containers-roots --containers-api --containers-sockets --kubernetes-mode --kubernetes-api-url --kubernetes-kubelet-url --kubernetes-token-file --kubernetes-ca-file --kubernetes-verify --kubernetes-labels --kubernetes-annotations --kubernetes-wait --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --tokens-estimate --tokens-batch-results --prices-file --log-level" -- "$word")
        ;;
    " record")
        mapfile -t COMPREPLY < <(compgen -W "--help --for --keep-credentials --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-mute --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --containers-roots --containers-api --containers-sockets --log-level" -- "$word")
        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        ;;
    " replay")
        mapfile -t COMPREPLY < <(compgen -W "--help --filter --json --config --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --tokens-estimate --tokens-batch-results --prices-file --log-level" -- "$word")
        [[ $word == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        ;;
    " doctor")
        mapfile -t COMPREPLY < <(compgen -W "--help --json --config --pid --cgroup --container --pod --comm --exe --uid --no-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-mute --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --containers-roots --containers-api --containers-sockets --log-level" -- "$word")
        ;;
    " usage")
        mapfile -t COMPREPLY < <(compgen -W "--help --by --since --until --order --limit --format --store --url --token-file --ca-file --config --store-enabled --store-path --store-keep-for --store-max-bytes --store-clickhouse-database --store-clickhouse-user --store-clickhouse-password-file --store-clickhouse-ca-file --store-spool-directory --store-spool-bytes --log-level" -- "$word")
        ;;
    " show")
        mapfile -t COMPREPLY < <(compgen -W "--help --json --store --url --token-file --ca-file --config --store-enabled --store-path --store-keep-for --store-max-bytes --store-clickhouse-database --store-clickhouse-user --store-clickhouse-password-file --store-clickhouse-ca-file --store-spool-directory --store-spool-bytes --log-level" -- "$word")
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
        mapfile -t COMPREPLY < <(compgen -W "--help --config --pid --cgroup --container --pod --comm --exe --uid --no-children --node-name --select-pids --select-cgroups --select-containers --select-pods --select-comms --select-exes --select-uids --select-children --capture-ring-bytes --capture-rings --capture-call-limit-bytes --capture-mute --capture-socket-hook --capture-plain-tcp --capture-nice --capture-libraries --blind-after --blind-keep --blind-hosts --containers-roots --containers-api --containers-sockets --kubernetes-mode --kubernetes-api-url --kubernetes-kubelet-url --kubernetes-token-file --kubernetes-ca-file --kubernetes-verify --kubernetes-labels --kubernetes-annotations --kubernetes-wait --http-body-hashes --http-memory-bytes --policy-content --policy-hashes --metrics-enabled --metrics-listen --metrics-max-processes --metrics-max-pods --metrics-expire-after --audit-enabled --audit-directory --audit-fsync --audit-fsync-interval --audit-rotate-bytes --audit-rotate-after --audit-keep-files --audit-keep-bytes --store-enabled --store-path --store-keep-for --store-max-bytes --store-clickhouse-database --store-clickhouse-user --store-clickhouse-password-file --store-clickhouse-ca-file --store-spool-directory --store-spool-bytes --api-enabled --api-listen --api-token-file --api-tls-certificate --api-tls-key --api-insecure --api-max-streams --tokens-estimate --tokens-batch-results --prices-file --log-level" -- "$word")
        ;;
    esac
}
complete -o filenames -F _llmsnoop llmsnoop
