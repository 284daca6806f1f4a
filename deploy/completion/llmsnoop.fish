# Made by tests/docs/reference.py from `llmsnoop --help`. Do not edit.
complete -c llmsnoop -f
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a run -d 'the daemon: traces, serves metrics, writes the audit log'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a trace -d 'one line per finished exchange, live'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a record -d 'keeps the captured bytes in a file, for `replay`: prompts and completions included'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a replay -d 'runs tapes, pcap and pcapng files through the same pipeline, without a kernel or root'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a doctor -d 'what this kernel and these privileges allow, which hooks are used and why'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a usage -d 'tokens, cost and latency from the store, by pod, model, user, hour ...'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a show -d 'one exchange in full, from the store'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a audit -d 'works on audit logs'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a schema -d 'prints the JSON Schema of a record'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -a config -d 'prints the configuration in force, as a commented file'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n 'not __fish_seen_subcommand_from run trace record replay doctor usage show audit schema config' -l version -d 'Display program version information and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l pid -d 'this process' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l cgroup -d 'processes in this cgroup2 directory' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l container -d 'this container, by id or its beginning' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l pod -d 'this pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l comm -d 'processes of this name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l exe -d 'processes that run this executable' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l uid -d 'processes of this user' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l no-children -d 'not the children of selected processes'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l node-name -d 'what records say in `node`; empty: the host’s name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-pids -d 'trace only these processes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-cgroups -d 'trace only processes in these cgroup2 directories' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-containers -d 'trace only these containers, by id, a unique beginning of it, or name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-pods -d 'trace only these pods, NAMESPACE/NAME' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-comms -d 'trace only processes of these names, at most 15 bytes each' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-exes -d 'trace only these executables' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-uids -d 'trace only processes of these users' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l select-children -d 'trace the children of selected processes too' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-ring-bytes -d 'size of all ring buffers together, a power of two' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-rings -d 'ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-call-limit-bytes -d 'bytes captured of a single read or write; the rest is counted as lost' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-mute -d 'bytes that turn out to be of no interest are no longer copied; false: they are, which costs more' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-socket-hook -d 'how a TLS connection’s socket is found; auto: the best way that this kernel has' -x -a 'auto tracepoint fexit kprobe none'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-plain-tcp -d 'how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel has; off: not at all' -x -a 'auto fexit tracepoint kprobe syscall off'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-nice -d 'scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l capture-libraries -d 'TLS libraries to probe in any case, whether or not a process has them mapped' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l blind-after -d 'a process that sends data to a model’s host over TLS is a blind spot if none of its plaintext was seen for so long, at least 1s' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l blind-keep -d 'blind spots of processes that have ended are told of for so long' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l blind-hosts -d 'hosts that serve models, besides those that are known: a name, or a dot and what the name ends in' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l containers-roots -d 'directories in which the host’s root is mounted, where the names of containers are looked for in the files of their runtimes; none given: / and /proc/1/root' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l containers-api -d 'ask Docker’s or Podman’s API for the names of containers that no file tells' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l containers-sockets -d 'Unix sockets of that API, as seen from the host’s root; none given: run/docker.sock and run/podman/podman.sock' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-mode -d 'from whom the names of pods are learnt; auto: the API server, in a pod or where kubernetes.api_url is given' -x -a 'auto api kubelet off'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-api-url -d 'the API server; empty: that of the cluster in which the agent is a pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-kubelet-url -d 'the kubelet of this node' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-token-file -d 'the token that is sent, read for each request; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-ca-file -d 'the certificates that the server is checked against; empty: the system’s' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-verify -d 'check the server’s certificate; kubelets often have one that nobody has signed' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-labels -d 'labels of pods to put into records' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-annotations -d 'annotations of pods to put into records, among the labels' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l kubernetes-wait -d 'a record waits for so long until its pod is known' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l http-body-hashes -d 'put the SHA-256 of request and response bodies into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l http-memory-bytes -d 'memory for bodies and messages in progress, of all connections together; what goes beyond is cut' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l policy-content -d 'what may leave of prompts and completions' -x -a 'none redacted'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l policy-hashes -d 'put hashes of prompts and completions into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l metrics-enabled -d 'serve Prometheus metrics' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l metrics-listen -d 'address of the metrics endpoint' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l metrics-max-processes -d 'values of the label `process`; further ones become `other`' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l metrics-max-pods -d 'values of the label `pod`; further ones become `other`' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l metrics-expire-after -d 'drop series that did not change for so long; 0s: the built-in default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-enabled -d 'write the audit log' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-directory -d 'where audit-*.jsonl files go' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-fsync -d 'when lines are forced to the disk' -x -a 'always interval never'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-fsync-interval -d 'how often, with fsync: interval' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-rotate-bytes -d 'begin a new file after so many bytes; 0: never by size' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-rotate-after -d 'begin a new file after so long; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-keep-files -d 'files to keep; 0: all' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l audit-keep-bytes -d 'bytes to keep in all files together; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-enabled -d 'keep exchanges in a data base on this machine, for `llmsnoop usage` and the API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-path -d 'its file (SQLite)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-keep-for -d 'delete exchanges that are older; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-max-bytes -d 'delete the oldest beyond that size; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-clickhouse-database -d 'its data base' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-clickhouse-user -d 'its user; empty: the server’s default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-clickhouse-password-file -d 'file with the user’s password; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-clickhouse-ca-file -d 'trust these certificates (PEM); empty: the machine’s own' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-spool-directory -d 'where exchanges wait while ClickHouse is away' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l store-spool-bytes -d 'size of that directory at most' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-enabled -d 'serve the HTTP API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-listen -d 'its address; beyond loopback it wants a token and TLS' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-token-file -d 'file with the bearer token that requests must carry; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-tls-certificate -d 'certificate chain for TLS (PEM); empty: no TLS' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-tls-key -d 'its private key (PEM)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-insecure -d 'listen beyond loopback without token or TLS all the same' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l api-max-streams -d 'clients of /api/v1/stream at a time' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l tokens-estimate -d 'count the tokens of calls whose provider reports none, where the model is known' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l tokens-batch-results -d 'what becomes of the calls in files of batch results, when they are read' -x -a 'ignored counted'
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l prices-file -d 'price tables of your own, asked in order and before the built-in one' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from run' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l json -d 'JSON lines instead of text'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l count -d 'stop after so many records' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l for -d 'stop after so long, such as 30s' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l pid -d 'this process' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l cgroup -d 'processes in this cgroup2 directory' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l container -d 'this container, by id or its beginning' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l pod -d 'this pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l comm -d 'processes of this name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l exe -d 'processes that run this executable' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l uid -d 'processes of this user' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l no-children -d 'not the children of selected processes'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l node-name -d 'what records say in `node`; empty: the host’s name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-ring-bytes -d 'size of all ring buffers together, a power of two' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-rings -d 'ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-call-limit-bytes -d 'bytes captured of a single read or write; the rest is counted as lost' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-mute -d 'bytes that turn out to be of no interest are no longer copied; false: they are, which costs more' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-socket-hook -d 'how a TLS connection’s socket is found; auto: the best way that this kernel has' -x -a 'auto tracepoint fexit kprobe none'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-plain-tcp -d 'how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel has; off: not at all' -x -a 'auto fexit tracepoint kprobe syscall off'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-nice -d 'scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l capture-libraries -d 'TLS libraries to probe in any case, whether or not a process has them mapped' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l containers-roots -d 'directories in which the host’s root is mounted, where the names of containers are looked for in the files of their runtimes; none given: / and /proc/1/root' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l containers-api -d 'ask Docker’s or Podman’s API for the names of containers that no file tells' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l containers-sockets -d 'Unix sockets of that API, as seen from the host’s root; none given: run/docker.sock and run/podman/podman.sock' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-mode -d 'from whom the names of pods are learnt; auto: the API server, in a pod or where kubernetes.api_url is given' -x -a 'auto api kubelet off'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-api-url -d 'the API server; empty: that of the cluster in which the agent is a pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-kubelet-url -d 'the kubelet of this node' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-token-file -d 'the token that is sent, read for each request; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-ca-file -d 'the certificates that the server is checked against; empty: the system’s' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-verify -d 'check the server’s certificate; kubelets often have one that nobody has signed' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-labels -d 'labels of pods to put into records' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-annotations -d 'annotations of pods to put into records, among the labels' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l kubernetes-wait -d 'a record waits for so long until its pod is known' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l http-body-hashes -d 'put the SHA-256 of request and response bodies into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l http-memory-bytes -d 'memory for bodies and messages in progress, of all connections together; what goes beyond is cut' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l policy-content -d 'what may leave of prompts and completions' -x -a 'none redacted'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l policy-hashes -d 'put hashes of prompts and completions into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l tokens-estimate -d 'count the tokens of calls whose provider reports none, where the model is known' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l tokens-batch-results -d 'what becomes of the calls in files of batch results, when they are read' -x -a 'ignored counted'
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l prices-file -d 'price tables of your own, asked in order and before the built-in one' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from trace' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -F
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l for -d 'stop after so long, such as 30s' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l keep-credentials -d 'do not mask keys and tokens in what is kept. Without it they are masked where they can be read: not in HTTP/2 header blocks, compressed bodies and what WebSocket clients send'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l pid -d 'this process' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l cgroup -d 'processes in this cgroup2 directory' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l container -d 'this container, by id or its beginning' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l pod -d 'this pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l comm -d 'processes of this name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l exe -d 'processes that run this executable' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l uid -d 'processes of this user' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l no-children -d 'not the children of selected processes'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l node-name -d 'what records say in `node`; empty: the host’s name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-ring-bytes -d 'size of all ring buffers together, a power of two' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-rings -d 'ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-call-limit-bytes -d 'bytes captured of a single read or write; the rest is counted as lost' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-mute -d 'bytes that turn out to be of no interest are no longer copied; false: they are, which costs more' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-socket-hook -d 'how a TLS connection’s socket is found; auto: the best way that this kernel has' -x -a 'auto tracepoint fexit kprobe none'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-plain-tcp -d 'how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel has; off: not at all' -x -a 'auto fexit tracepoint kprobe syscall off'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-nice -d 'scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l capture-libraries -d 'TLS libraries to probe in any case, whether or not a process has them mapped' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l containers-roots -d 'directories in which the host’s root is mounted, where the names of containers are looked for in the files of their runtimes; none given: / and /proc/1/root' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l containers-api -d 'ask Docker’s or Podman’s API for the names of containers that no file tells' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l containers-sockets -d 'Unix sockets of that API, as seen from the host’s root; none given: run/docker.sock and run/podman/podman.sock' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from record' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -F
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l filter -d 'keep records that match, such as: usage.input_tokens > 2048 && http.status >= 400' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l json -d 'JSON lines, also on a terminal'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l http-body-hashes -d 'put the SHA-256 of request and response bodies into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l http-memory-bytes -d 'memory for bodies and messages in progress, of all connections together; what goes beyond is cut' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l policy-content -d 'what may leave of prompts and completions' -x -a 'none redacted'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l policy-hashes -d 'put hashes of prompts and completions into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l tokens-estimate -d 'count the tokens of calls whose provider reports none, where the model is known' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l tokens-batch-results -d 'what becomes of the calls in files of batch results, when they are read' -x -a 'ignored counted'
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l prices-file -d 'price tables of your own, asked in order and before the built-in one' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from replay' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l json -d 'JSON instead of text'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l pid -d 'this process' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l cgroup -d 'processes in this cgroup2 directory' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l container -d 'this container, by id or its beginning' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l pod -d 'this pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l comm -d 'processes of this name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l exe -d 'processes that run this executable' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l uid -d 'processes of this user' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l no-children -d 'not the children of selected processes'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-ring-bytes -d 'size of all ring buffers together, a power of two' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-rings -d 'ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-call-limit-bytes -d 'bytes captured of a single read or write; the rest is counted as lost' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-mute -d 'bytes that turn out to be of no interest are no longer copied; false: they are, which costs more' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-socket-hook -d 'how a TLS connection’s socket is found; auto: the best way that this kernel has' -x -a 'auto tracepoint fexit kprobe none'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-plain-tcp -d 'how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel has; off: not at all' -x -a 'auto fexit tracepoint kprobe syscall off'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-nice -d 'scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l capture-libraries -d 'TLS libraries to probe in any case, whether or not a process has them mapped' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l containers-roots -d 'directories in which the host’s root is mounted, where the names of containers are looked for in the files of their runtimes; none given: / and /proc/1/root' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l containers-api -d 'ask Docker’s or Podman’s API for the names of containers that no file tells' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l containers-sockets -d 'Unix sockets of that API, as seen from the host’s root; none given: run/docker.sock and run/podman/podman.sock' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from doctor' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l by -d 'what to put together, with commas: namespace, pod, container, workload, node, process, user, model, provider, operation, hour, day, role, status, error_type, completeness, pod_uid, workload_kind, pid, exe, label:NAME; empty: one sum' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l since -d 'from then on: 2026-11-20T10:00:00Z, 2026-11-20, 24h, 7d, today' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l until -d 'before then' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l order -d 'tokens, requests, errors, cost, latency or name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l limit -d 'so many rows; 0: all' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l format -d 'table, json or csv' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store -d 'read this store instead of the configuration’s; http(s)://HOST:PORT is a ClickHouse' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l url -d 'ask the API of an agent instead, such as https://node:9465' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l token-file -d 'file with the token for --url' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l ca-file -d 'trust these certificates (PEM) for --url' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-enabled -d 'keep exchanges in a data base on this machine, for `llmsnoop usage` and the API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-path -d 'its file (SQLite)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-keep-for -d 'delete exchanges that are older; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-max-bytes -d 'delete the oldest beyond that size; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-clickhouse-database -d 'its data base' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-clickhouse-user -d 'its user; empty: the server’s default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-clickhouse-password-file -d 'file with the user’s password; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-clickhouse-ca-file -d 'trust these certificates (PEM); empty: the machine’s own' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-spool-directory -d 'where exchanges wait while ClickHouse is away' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l store-spool-bytes -d 'size of that directory at most' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from usage' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l json -d 'the record as one line'
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store -d 'read this store instead of the configuration’s; http(s)://HOST:PORT is a ClickHouse' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l url -d 'ask the API of an agent instead, such as https://node:9465' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l token-file -d 'file with the token for --url' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l ca-file -d 'trust these certificates (PEM) for --url' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-enabled -d 'keep exchanges in a data base on this machine, for `llmsnoop usage` and the API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-path -d 'its file (SQLite)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-keep-for -d 'delete exchanges that are older; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-max-bytes -d 'delete the oldest beyond that size; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-clickhouse-database -d 'its data base' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-clickhouse-user -d 'its user; empty: the server’s default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-clickhouse-password-file -d 'file with the user’s password; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-clickhouse-ca-file -d 'trust these certificates (PEM); empty: the machine’s own' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-spool-directory -d 'where exchanges wait while ClickHouse is away' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l store-spool-bytes -d 'size of that directory at most' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from show' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
complete -c llmsnoop -n '__fish_seen_subcommand_from audit && not __fish_seen_subcommand_from verify' -a verify -d 'checks the hash chain and says where it breaks'
complete -c llmsnoop -n '__fish_seen_subcommand_from audit' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from audit && __fish_seen_subcommand_from verify' -F
complete -c llmsnoop -n '__fish_seen_subcommand_from audit && __fish_seen_subcommand_from verify' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from schema' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l help -d 'Print this help message and exit'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l config -d 'read this file (see `llmsnoop config`)' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l pid -d 'this process' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l cgroup -d 'processes in this cgroup2 directory' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l container -d 'this container, by id or its beginning' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l pod -d 'this pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l comm -d 'processes of this name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l exe -d 'processes that run this executable' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l uid -d 'processes of this user' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l no-children -d 'not the children of selected processes'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l node-name -d 'what records say in `node`; empty: the host’s name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-pids -d 'trace only these processes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-cgroups -d 'trace only processes in these cgroup2 directories' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-containers -d 'trace only these containers, by id, a unique beginning of it, or name' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-pods -d 'trace only these pods, NAMESPACE/NAME' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-comms -d 'trace only processes of these names, at most 15 bytes each' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-exes -d 'trace only these executables' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-uids -d 'trace only processes of these users' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l select-children -d 'trace the children of selected processes too' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-ring-bytes -d 'size of all ring buffers together, a power of two' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-rings -d 'ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-call-limit-bytes -d 'bytes captured of a single read or write; the rest is counted as lost' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-mute -d 'bytes that turn out to be of no interest are no longer copied; false: they are, which costs more' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-socket-hook -d 'how a TLS connection’s socket is found; auto: the best way that this kernel has' -x -a 'auto tracepoint fexit kprobe none'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-plain-tcp -d 'how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel has; off: not at all' -x -a 'auto fexit tracepoint kprobe syscall off'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-nice -d 'scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l capture-libraries -d 'TLS libraries to probe in any case, whether or not a process has them mapped' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l blind-after -d 'a process that sends data to a model’s host over TLS is a blind spot if none of its plaintext was seen for so long, at least 1s' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l blind-keep -d 'blind spots of processes that have ended are told of for so long' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l blind-hosts -d 'hosts that serve models, besides those that are known: a name, or a dot and what the name ends in' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l containers-roots -d 'directories in which the host’s root is mounted, where the names of containers are looked for in the files of their runtimes; none given: / and /proc/1/root' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l containers-api -d 'ask Docker’s or Podman’s API for the names of containers that no file tells' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l containers-sockets -d 'Unix sockets of that API, as seen from the host’s root; none given: run/docker.sock and run/podman/podman.sock' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-mode -d 'from whom the names of pods are learnt; auto: the API server, in a pod or where kubernetes.api_url is given' -x -a 'auto api kubelet off'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-api-url -d 'the API server; empty: that of the cluster in which the agent is a pod' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-kubelet-url -d 'the kubelet of this node' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-token-file -d 'the token that is sent, read for each request; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-ca-file -d 'the certificates that the server is checked against; empty: the system’s' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-verify -d 'check the server’s certificate; kubelets often have one that nobody has signed' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-labels -d 'labels of pods to put into records' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-annotations -d 'annotations of pods to put into records, among the labels' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l kubernetes-wait -d 'a record waits for so long until its pod is known' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l http-body-hashes -d 'put the SHA-256 of request and response bodies into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l http-memory-bytes -d 'memory for bodies and messages in progress, of all connections together; what goes beyond is cut' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l policy-content -d 'what may leave of prompts and completions' -x -a 'none redacted'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l policy-hashes -d 'put hashes of prompts and completions into records' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l metrics-enabled -d 'serve Prometheus metrics' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l metrics-listen -d 'address of the metrics endpoint' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l metrics-max-processes -d 'values of the label `process`; further ones become `other`' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l metrics-max-pods -d 'values of the label `pod`; further ones become `other`' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l metrics-expire-after -d 'drop series that did not change for so long; 0s: the built-in default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-enabled -d 'write the audit log' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-directory -d 'where audit-*.jsonl files go' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-fsync -d 'when lines are forced to the disk' -x -a 'always interval never'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-fsync-interval -d 'how often, with fsync: interval' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-rotate-bytes -d 'begin a new file after so many bytes; 0: never by size' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-rotate-after -d 'begin a new file after so long; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-keep-files -d 'files to keep; 0: all' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l audit-keep-bytes -d 'bytes to keep in all files together; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-enabled -d 'keep exchanges in a data base on this machine, for `llmsnoop usage` and the API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-path -d 'its file (SQLite)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-keep-for -d 'delete exchanges that are older; 0s: never by age' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-max-bytes -d 'delete the oldest beyond that size; 0: no limit' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-clickhouse-database -d 'its data base' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-clickhouse-user -d 'its user; empty: the server’s default' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-clickhouse-password-file -d 'file with the user’s password; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-clickhouse-ca-file -d 'trust these certificates (PEM); empty: the machine’s own' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-spool-directory -d 'where exchanges wait while ClickHouse is away' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l store-spool-bytes -d 'size of that directory at most' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-enabled -d 'serve the HTTP API' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-listen -d 'its address; beyond loopback it wants a token and TLS' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-token-file -d 'file with the bearer token that requests must carry; empty: none' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-tls-certificate -d 'certificate chain for TLS (PEM); empty: no TLS' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-tls-key -d 'its private key (PEM)' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-insecure -d 'listen beyond loopback without token or TLS all the same' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l api-max-streams -d 'clients of /api/v1/stream at a time' -x
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l tokens-estimate -d 'count the tokens of calls whose provider reports none, where the model is known' -x -a 'true false'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l tokens-batch-results -d 'what becomes of the calls in files of batch results, when they are read' -x -a 'ignored counted'
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l prices-file -d 'price tables of your own, asked in order and before the built-in one' -r -F
complete -c llmsnoop -n '__fish_seen_subcommand_from config' -l log-level -d 'how much the agent says on stderr' -x -a 'error warn info debug'
