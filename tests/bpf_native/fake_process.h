#pragma once
// Processes, file trees and sockets for the fake kernel: the structures that the programs walk through, owned by one
// object.
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bpf_native/kernel_types.h"

namespace llmsnoop::bpf_native {

// A file system: a tree of names, and the mount that shows it.
class FileSystem {
 public:
    explicit FileSystem(__u32 device = 0x800001);
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;

    // The directory entry at this path, made with all that lead to it.
    dentry* at(std::string_view path);
    // Shows this file system at a directory of another one.
    void mount_on(FileSystem& other, std::string_view path);
    ::mount* mount_point() { return &mount_; }
    super_block* super() { return &super_; }

 private:
    struct Node {
        std::string name;
        dentry entry{};
    };
    std::deque<Node> nodes_;
    super_block super_{};
    ::mount mount_{};
};

// A node of the cgroup tree at this path, with all its ancestors.
class CgroupPath {
 public:
    explicit CgroupPath(std::string_view path);
    CgroupPath(const CgroupPath&) = delete;
    CgroupPath& operator=(const CgroupPath&) = delete;
    kernfs_node* leaf() { return &nodes_.back().node; }

 private:
    struct Node {
        std::string name;
        kernfs_node node{};
    };
    std::deque<Node> nodes_;
};

struct ProcessFacts {
    std::string comm = "client";
    std::string exe = "/usr/bin/client";
    std::string cgroup = "/system.slice/client.service";
    std::uint64_t start_ns = 0;  // 0: unlike any other
    std::uint32_t uid = 1000;
    std::uint64_t inode = 0;  // 0: unlike any other
    const task_struct* parent = nullptr;
};

// The registers that the programs on functions look at.
inline pt_regs registers(std::uint64_t di, std::uint64_t si, std::uint64_t dx, std::uint64_t cx, std::uint64_t ax,
                         std::uint64_t sp) {
    return {di, si, dx, cx, ax, sp, 0, 0, 0};
}

// A process with one thread, its leader.
class FakeProcess {
 public:
    FakeProcess(std::uint32_t pid, const ProcessFacts& facts);
    FakeProcess(const FakeProcess&) = delete;
    FakeProcess& operator=(const FakeProcess&) = delete;

    task_struct* task() { return &leader_; }
    // One more thread, with a name of its own.
    task_struct* add_thread(std::uint32_t tid, std::string_view comm);
    void set_comm(std::string_view comm);
    // What a descriptor stands for: a stream socket, or a file if there is none.
    void open_socket(unsigned descriptor, sock* socket);
    void open_file(unsigned descriptor);
    void set_exe(FileSystem& files, std::string_view path);
    void set_cgroup(std::string_view path);

    std::uint32_t pid() const { return static_cast<std::uint32_t>(leader_.tgid); }
    std::uint64_t start_ns() const { return leader_.start_boottime; }
    std::uint64_t inode_number() const { return inode_.i_ino; }
    std::uint32_t uid;
    std::uint64_t cgroup_id = 0;
    file* exe_file() { return &exe_; }
    signal_struct& signals() { return signal_; }
    css_set& cgroups() { return cgroups_; }

 private:
    task_struct leader_{};
    std::deque<task_struct> threads_;
    signal_struct signal_{};
    mm_struct mm_{};
    file exe_{};
    ::inode inode_{};
    struct Open {
        ::file file{};
        ::inode inode{};
        kernel_socket socket{};
    };
    Open& open(unsigned descriptor);

    css_set cgroups_{};
    std::deque<Open> opened_;
    std::vector<::file*> descriptors_;
    ::fdtable table_{};
    ::files_struct files_struct_{};
    ::cgroup cgroup_{};
    FileSystem files_;
    std::unique_ptr<CgroupPath> cgroup_path_;
};

// TCP over IPv4: network order in the kernel, as written here.
tcp_sock ipv4_socket(const char* local, std::uint16_t local_port, const char* peer, std::uint16_t peer_port);
tcp_sock ipv6_socket(const char* local, std::uint16_t local_port, const char* peer, std::uint16_t peer_port);
sock unix_socket();

}  // namespace llmsnoop::bpf_native
