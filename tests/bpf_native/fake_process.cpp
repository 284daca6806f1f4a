#include "tests/bpf_native/fake_process.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstring>

namespace llmsnoop::bpf_native {

namespace {

std::vector<std::string> names_of(std::string_view path) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) out.emplace_back(path.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

void copy_comm(task_struct& task, std::string_view comm) {
    std::memset(task.comm, 0, sizeof task.comm);
    std::memcpy(task.comm, comm.data(), std::min(comm.size(), sizeof task.comm - 1));
}

}  // namespace

FileSystem::FileSystem(__u32 device) {
    super_.s_dev = device;
    Node& root = nodes_.emplace_back();
    root.name = "/";
    root.entry.d_name.name = reinterpret_cast<const unsigned char*>(root.name.c_str());
    root.entry.d_parent = &root.entry;
    mount_.mnt.mnt_root = &root.entry;
    mount_.mnt_parent = &mount_;
    mount_.mnt_mountpoint = &root.entry;
}

dentry* FileSystem::at(std::string_view path) {
    dentry* here = &nodes_.front().entry;
    for (const std::string& name : names_of(path)) {
        dentry* child = nullptr;
        for (Node& one : nodes_) {
            if (one.entry.d_parent == here && &one.entry != here && one.name == name) child = &one.entry;
        }
        if (child == nullptr) {
            Node& fresh = nodes_.emplace_back();
            fresh.name = name;
            fresh.entry.d_name.name = reinterpret_cast<const unsigned char*>(fresh.name.c_str());
            fresh.entry.d_parent = here;
            child = &fresh.entry;
        }
        here = child;
    }
    return here;
}

void FileSystem::mount_on(FileSystem& other, std::string_view path) {
    mount_.mnt_parent = other.mount_point();
    mount_.mnt_mountpoint = other.at(path);
}

CgroupPath::CgroupPath(std::string_view path) {
    nodes_.emplace_back().node.name = "";  // the root has no name
    for (const std::string& name : names_of(path)) {
        kernfs_node* parent = &nodes_.back().node;
        Node& node = nodes_.emplace_back();
        node.name = name;
        node.node.name = node.name.c_str();
        node.node.parent = parent;
    }
}

FakeProcess::FakeProcess(std::uint32_t pid, const ProcessFacts& facts) : uid(facts.uid) {
    static std::uint64_t number = 0;
    ++number;
    leader_.pid = leader_.tgid = static_cast<int>(pid);
    leader_.start_boottime = facts.start_ns != 0 ? facts.start_ns : 5'000'000'000 + number * 1000;
    leader_.group_leader = &leader_;
    leader_.real_parent = const_cast<task_struct*>(facts.parent);
    leader_.mm = &mm_;
    leader_.files = &files_struct_;
    files_struct_.fdt = &table_;
    leader_.signal = &signal_;
    leader_.cgroups = &cgroups_;
    signal_.live.counter = 1;
    mm_.exe_file = &exe_;
    inode_.i_ino = facts.inode != 0 ? facts.inode : number;
    exe_.f_inode = &inode_;
    cgroups_.dfl_cgrp = &cgroup_;
    cgroup_id = number;
    set_comm(facts.comm);
    set_exe(files_, facts.exe);
    set_cgroup(facts.cgroup);
}

task_struct* FakeProcess::add_thread(std::uint32_t tid, std::string_view comm) {
    task_struct& thread = threads_.emplace_back(leader_);
    thread.pid = static_cast<int>(tid);
    copy_comm(thread, comm);
    ++signal_.live.counter;
    return &thread;
}

FakeProcess::Open& FakeProcess::open(unsigned descriptor) {
    Open& out = opened_.emplace_back();
    out.file.f_inode = &out.inode;
    if (descriptors_.size() <= descriptor) descriptors_.resize(descriptor + 1);
    descriptors_[descriptor] = &out.file;
    table_.fd = descriptors_.data();
    table_.max_fds = static_cast<unsigned>(descriptors_.size());
    return out;
}

void FakeProcess::open_socket(unsigned descriptor, sock* socket) {
    Open& one = open(descriptor);
    one.inode.i_mode = 0140777;
    one.socket.type = 1;  // SOCK_STREAM
    one.socket.sk = socket;
    one.file.private_data = &one.socket;
    one.socket.file = &one.file;
    if (socket != nullptr) socket->sk_socket = &one.socket;
}

void FakeProcess::open_file(unsigned descriptor) {
    open(descriptor).inode.i_mode = 0100644;
}

void FakeProcess::set_comm(std::string_view comm) {
    copy_comm(leader_, comm);
}

void FakeProcess::set_exe(FileSystem& files, std::string_view path) {
    exe_.f_path.dentry = files.at(path);
    exe_.f_path.mnt = &files.mount_point()->mnt;
    inode_.i_sb = files.super();
}

void FakeProcess::set_cgroup(std::string_view path) {
    cgroup_path_ = std::make_unique<CgroupPath>(path);
    cgroup_.kn = cgroup_path_->leaf();
}

tcp_sock ipv4_socket(const char* local, std::uint16_t local_port, const char* peer, std::uint16_t peer_port) {
    tcp_sock out{};
    out.__sk_common.skc_family = AF_INET;
    out.sk_protocol = IPPROTO_TCP;
    inet_pton(AF_INET, local, &out.__sk_common.skc_rcv_saddr);
    inet_pton(AF_INET, peer, &out.__sk_common.skc_daddr);
    out.__sk_common.skc_num = local_port;
    out.__sk_common.skc_dport = htons(peer_port);
    return out;
}

tcp_sock ipv6_socket(const char* local, std::uint16_t local_port, const char* peer, std::uint16_t peer_port) {
    tcp_sock out{};
    out.__sk_common.skc_family = AF_INET6;
    out.sk_protocol = IPPROTO_TCP;
    inet_pton(AF_INET6, local, &out.__sk_common.skc_v6_rcv_saddr);
    inet_pton(AF_INET6, peer, &out.__sk_common.skc_v6_daddr);
    out.__sk_common.skc_num = local_port;
    out.__sk_common.skc_dport = htons(peer_port);
    return out;
}

sock unix_socket() {
    sock out{};
    out.__sk_common.skc_family = AF_UNIX;
    return out;
}

}  // namespace llmsnoop::bpf_native
