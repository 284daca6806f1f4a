/*
 * The few kernel structures that bpf/lib reads, with the members it reads. Included by C (the programs) and C++ (the
 * tests).
 */
#pragma once

#include <linux/in6.h>
#include <linux/types.h>

struct dentry;

struct qstr {
    const unsigned char* name;
};

struct dentry {
    struct dentry* d_parent; /* itself, at the root of a file system */
    struct qstr d_name;
};

struct super_block {
    __u32 s_dev;
};

struct inode {
    __u16 i_mode;
    __u64 i_ino;
    struct super_block* i_sb;
};

struct vfsmount {
    struct dentry* mnt_root;
};

struct mount {
    struct mount* mnt_parent; /* itself, at the top of the mount namespace */
    struct dentry* mnt_mountpoint;
    struct vfsmount mnt;
};

struct path {
    struct vfsmount* mnt;
    struct dentry* dentry;
};

struct file {
    struct path f_path;
    struct inode* f_inode;
    void* private_data; /* struct kernel_socket, for sockets */
};

struct fdtable {
    unsigned int max_fds;
    struct file** fd;
};

struct files_struct {
    struct fdtable* fdt;
};

struct mm_struct {
    struct file* exe_file;
};

struct kernfs_node {
    struct kernfs_node* parent;
    const char* name;
};

struct cgroup {
    struct kernfs_node* kn;
};

struct css_set {
    struct cgroup* dfl_cgrp;
};

struct signal_struct {
    struct {
        int counter;
    } live;
};

struct thread_info {
    __u32 status;
};

struct task_struct {
    struct thread_info thread_info;
    int pid;
    int tgid;
    char comm[16];
    __u64 start_boottime;
    struct task_struct* group_leader;
    struct task_struct* real_parent;
    struct mm_struct* mm;
    struct files_struct* files;
    struct css_set* cgroups;
    struct signal_struct* signal;
    void* stack;
};

struct sock_common {
    unsigned char skc_state;
    unsigned long skc_flags;
    __u16 skc_family;
    __u16 skc_num; /* host order */
    __u16 skc_dport;
    __u32 skc_daddr;
    __u32 skc_rcv_saddr;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
};

struct sk_buff {
    __u32 len;
};

struct sk_buff_head {
    struct sk_buff* next;
    __u32 qlen;
};

struct sock {
    struct sock_common __sk_common;
    __u16 sk_protocol;
    __u8 sk_shutdown;
    struct sk_buff_head sk_receive_queue;
    struct kernel_socket* sk_socket;
};

/* The kernel's begins with a struct sock, some structures deep. */
#ifdef __cplusplus
struct tcp_sock : sock {
#else
struct tcp_sock {
    struct sock sk;
#endif
    __u32 write_seq;
    __u32 copied_seq;
};

/* As they are called in the kernel, without the `kernel_`: outside they are other things (programs.c). */
struct kernel_socket {
    short type;
    struct sock* sk;
    struct file* file;
};

struct linux_binprm;
struct page;

struct kernel_iovec {
    void* iov_base;
    __kernel_size_t iov_len;
};

/* As in 6.1. */
struct iov_iter {
    __u8 iter_type;
    __kernel_size_t iov_offset;
    union {
        const struct kernel_iovec* iov;
        void* ubuf;
    };
};
enum { ITER_IOVEC = 0, ITER_BVEC = 2, ITER_UBUF = 6 };

struct kernel_msghdr {
    struct iov_iter msg_iter;
};

struct user_msghdr {
    void* msg_name;
    int msg_namelen;
    struct kernel_iovec* msg_iov;
    __kernel_size_t msg_iovlen;
    void* msg_control;
    __kernel_size_t msg_controllen;
    unsigned int msg_flags;
};

struct kernel_mmsghdr {
    struct user_msghdr msg_hdr;
    unsigned int msg_len;
};

#ifdef __cplusplus
#define STUB_ZERO = 0
#else
#define STUB_ZERO
#endif

/* x86-64, as far as a call is concerned, and then Go's calls. */
struct pt_regs {
    __u64 di, si, dx, cx, ax, sp;
    __u64 r8 STUB_ZERO, r10 STUB_ZERO, orig_ax STUB_ZERO; /* few calls have a fifth argument */
    __u64 ip STUB_ZERO, bx STUB_ZERO, r14 STUB_ZERO, flags STUB_ZERO, cs STUB_ZERO;
};
