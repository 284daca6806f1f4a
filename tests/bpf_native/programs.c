/* The program files as they are, in one translation unit, and entrances to functions that are inlined into them. */
#define socket kernel_socket /* before anything else, for members have that name too */
#define iovec kernel_iovec
#define msghdr kernel_msghdr
#define mmsghdr kernel_mmsghdr

#include "tests/bpf_native/programs.h"

#include "bpf/plain_tcp.bpf.c"
#include "bpf/process.bpf.c"
#include "bpf/socket.bpf.c"
#include "bpf/tls_boringssl.bpf.c"
#include "bpf/tls_gnutls.bpf.c"
#include "bpf/tls_go.bpf.c"
#include "bpf/tls_openssl.bpf.c"
#include "bpf/tls_rustls.bpf.c"

void native_emit_payload(__u64 connection, __u8 direction, __u64 offset, __u64 address, __u64 length) {
    emit_payload(connection, direction, offset, address, length);
}

__u64 native_fresh_connection_id(void) {
    return fresh_connection_id();
}

void native_exe_path(struct task_struct* task, struct wire_path* path) {
    exe_path(task, path);
}

void native_cgroup_path(struct task_struct* task, struct wire_path* path) {
    cgroup_path(task, path);
}

int native_matches_selection(struct task_struct* task, __u32 pid) {
    return matches_selection(task, pid);
}
