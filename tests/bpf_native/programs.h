#pragma once
// The BPF programs and helper functions, compiled for the host (programs.c).
#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"
#include "tests/bpf_native/kernel_types.h"

#ifdef __cplusplus
extern "C" {
#endif

// bpf/tls_openssl.bpf.c. An entry sees the registers of a call, a return its result and the stack pointer behind it.
int openssl_read_entry(struct pt_regs* regs);
int openssl_read_return(struct pt_regs* regs);
int openssl_read_session(struct pt_regs* regs);
int openssl_write_entry(struct pt_regs* regs);
int openssl_write_return(struct pt_regs* regs);
int openssl_read_ex_entry(struct pt_regs* regs);
int openssl_read_ex_return(struct pt_regs* regs);
int openssl_write_ex_entry(struct pt_regs* regs);
int openssl_write_ex_return(struct pt_regs* regs);
int openssl_write_flags_entry(struct pt_regs* regs);
int openssl_write_flags_return(struct pt_regs* regs);
int openssl_read_internal_entry(struct pt_regs* regs);
int openssl_read_internal_return(struct pt_regs* regs);
int openssl_handshake_entry(struct pt_regs* regs);
int openssl_handshake_return(struct pt_regs* regs);
int openssl_new_return(struct pt_regs* regs);
int openssl_free_entry(struct pt_regs* regs);
int openssl_ctrl_entry(struct pt_regs* regs);

// bpf/tls_boringssl.bpf.c
int boringssl_read_entry(struct pt_regs* regs);
int boringssl_read_return(struct pt_regs* regs);
int boringssl_write_entry(struct pt_regs* regs);
int boringssl_write_return(struct pt_regs* regs);
int boringssl_new_return(struct pt_regs* regs);

// bpf/tls_gnutls.bpf.c
int gnutls_recv_entry(struct pt_regs* regs);
int gnutls_recv_return(struct pt_regs* regs);
int gnutls_recv_session(struct pt_regs* regs);
int gnutls_send_entry(struct pt_regs* regs);
int gnutls_send_return(struct pt_regs* regs);
int gnutls_recv_packet_entry(struct pt_regs* regs);
int gnutls_recv_packet_return(struct pt_regs* regs);
int gnutls_uncork_entry(struct pt_regs* regs);
int gnutls_uncork_return(struct pt_regs* regs);
int gnutls_handshake_entry(struct pt_regs* regs);
int gnutls_handshake_return(struct pt_regs* regs);
int gnutls_init_entry(struct pt_regs* regs);
int gnutls_init_return(struct pt_regs* regs);
int gnutls_deinit_entry(struct pt_regs* regs);
int gnutls_server_name_set_entry(struct pt_regs* regs);

// bpf/tls_go.bpf.c
int go_read_entry(struct pt_regs* regs);
int go_read_return(struct pt_regs* regs);
int go_write_entry(struct pt_regs* regs);
int go_write_return(struct pt_regs* regs);
int go_close_entry(struct pt_regs* regs);
int go_handshake_entry(struct pt_regs* regs);

// bpf/tls_rustls.bpf.c
int rustls_encrypt_entry(struct pt_regs* regs);
int rustls_encrypt_return(struct pt_regs* regs);
int rustls_encrypt_session(struct pt_regs* regs);
int rustls_decrypt_entry(struct pt_regs* regs);
int rustls_decrypt_return(struct pt_regs* regs);

// bpf/socket.bpf.c
int socket_send_tracepoint(struct sock* sk, int ret, int flags);
int socket_receive_tracepoint(struct sock* sk, int ret, int flags);
int socket_send_fexit(struct sock* sk, struct kernel_msghdr* msg, __kernel_size_t size, int ret);
int socket_receive_fentry(struct sock* sk);
int socket_send_kprobe(struct sock* sk, struct kernel_msghdr* msg, __kernel_size_t size);

// bpf/plain_tcp.bpf.c
int plain_socket_state(const struct sock* sk, int old_state, int new_state);
int plain_syscall(struct pt_regs* regs, long result);
int plain_send_tracepoint(struct sock* sk, int ret, int flags);
int plain_receive_tracepoint(struct sock* sk, int ret, int flags);
int plain_send_fexit(struct sock* sk, struct kernel_msghdr* msg, __kernel_size_t size, int result);
int plain_receive_fexit(unsigned long long* arguments);
int plain_sendpage_fexit(struct sock* sk, struct page* page, int offset, __kernel_size_t size, int flags, int result);
int plain_splice_fexit(struct kernel_socket* socket, void* position, void* pipe, __kernel_size_t size, unsigned flags,
                       long result);
int plain_send_kprobe(struct sock* sk, struct kernel_msghdr* msg);
int plain_receive_kprobe(struct pt_regs* regs);
int plain_send_kretprobe(int result);
int plain_receive_kretprobe(int result);

// bpf/process.bpf.c
int process_fork(struct task_struct* parent, struct task_struct* child);
int process_exec(struct task_struct* task, int old_thread, struct linux_binprm* bprm);
int process_exit(struct task_struct* task);
int process_moved(void);

extern const volatile struct knobs knobs;
extern __u32 filter_epoch;
extern __u32 mutes_in_use;

// Functions of bpf/lib that are tested by themselves.
void native_emit_payload(__u64 connection, __u8 direction, __u64 offset, __u64 address, __u64 length);
__u64 native_fresh_connection_id(void);
void native_exe_path(struct task_struct* task, struct wire_path* path);
void native_cgroup_path(struct task_struct* task, struct wire_path* path);
int native_matches_selection(struct task_struct* task, __u32 pid);

#ifdef __cplusplus
}
#endif
