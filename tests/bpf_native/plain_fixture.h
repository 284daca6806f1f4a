#pragma once
// Calls that move bytes over TCP, as each of the ways sees them.
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

// Numbers of system calls, x86-64.
enum class Call : std::uint64_t {
    read = 0,
    write = 1,
    readv = 19,
    writev = 20,
    sendfile = 40,
    sendto = 44,
    recvfrom = 45,
    sendmsg = 46,
    recvmsg = 47,
    splice = 275,
    recvmmsg = 299,
    getpid = 39,
};

// By which programs the tests' calls are seen.
enum class Seen { by_syscall, by_tracepoint };

class PlainTest : public BpfTest, public testing::WithParamInterface<Seen> {
 protected:
    static constexpr unsigned kFd = 5;

    PlainTest() {
        process.open_file(3);
        opens(kFd, socket);
        socket.write_seq = 0xfffffff8;  // sequence numbers begin anywhere, and wrap
        socket.copied_seq = 0x7ffffff8;
    }
    void opens(unsigned fd, tcp_sock& one) {
        process.open_socket(fd, &one);
        sockets_[fd] = &one;
    }

    // --- system calls as they return
    void returns(Call call, long result, std::uint64_t fd = kFd, std::uint64_t second = 0, std::uint64_t third = 0,
                 std::uint64_t flags = 0) {
        pt_regs regs{};
        regs.di = fd;
        regs.si = second;
        regs.dx = third;
        regs.r10 = flags;
        regs.sp = kStack;
        regs.orig_ax = static_cast<std::uint64_t>(call);
        regs.ax = static_cast<std::uint64_t>(result);
        if (result > 0) moves(call, static_cast<std::uint32_t>(result), fd, third, flags);
        if (GetParam() == Seen::by_syscall) {
            plain_syscall(&regs, result);
            return;
        }
        regs.ax = static_cast<std::uint64_t>(-ENOSYS);
        kernel.current.registers = regs;
        tells(call, result, fd, third, flags);
        kernel.current.registers = {};
    }
    // What the socket's tracepoints tell of a call.
    void tells(Call call, long result, std::uint64_t fd, std::uint64_t third, std::uint64_t flags) {
        const auto from = sockets_.find(static_cast<unsigned>(fd)), to = sockets_.find(static_cast<unsigned>(third));
        const int bytes = static_cast<int>(result);
        switch (call) {
            case Call::splice:  // what comes out of a socket, nobody tells
                if (from == sockets_.end() && to != sockets_.end()) plain_send_tracepoint(to->second, bytes, 0);
                break;
            case Call::write:
            case Call::writev:
            case Call::sendto:
            case Call::sendmsg:
            case Call::sendfile:
                if (from != sockets_.end()) plain_send_tracepoint(from->second, bytes, static_cast<int>(flags));
                break;
            case Call::read:
            case Call::readv:
            case Call::recvfrom:
                if (from != sockets_.end()) plain_receive_tracepoint(from->second, bytes, static_cast<int>(flags));
                break;
            case Call::recvmsg:
                if (from != sockets_.end()) plain_receive_tracepoint(from->second, bytes, static_cast<int>(third));
                break;
            default:
                break;
        }
    }
    // What the kernel has done to the socket by then.
    void moves(Call call, std::uint32_t bytes, std::uint64_t fd, std::uint64_t third, std::uint64_t flags) {
        constexpr std::uint64_t kNotTaken = MSG_PEEK | MSG_ERRQUEUE;
        const bool taken = ((call == Call::recvmsg ? third : flags) & kNotTaken) == 0;
        const auto from = sockets_.find(static_cast<unsigned>(fd));
        const auto to = sockets_.find(static_cast<unsigned>(third));  // splice
        switch (call) {
            case Call::write:
            case Call::writev:
            case Call::sendto:
            case Call::sendmsg:
            case Call::sendfile:
                if (from != sockets_.end()) from->second->write_seq += bytes;
                break;
            case Call::read:
            case Call::readv:
            case Call::recvfrom:
            case Call::recvmsg:
                if (from != sockets_.end() && taken) from->second->copied_seq += bytes;
                break;
            case Call::splice:
                if (from != sockets_.end())
                    from->second->copied_seq += bytes;
                else if (to != sockets_.end())
                    to->second->write_seq += bytes;
                break;
            default:  // moves nothing, or a number that the test says itself
                break;
        }
    }
    void sends(const std::string& bytes, unsigned fd = kFd) {
        returns(Call::sendto, static_cast<long>(bytes.size()), fd, address(bytes.data()), bytes.size());
    }
    void receives(const std::string& bytes, unsigned fd = kFd, std::uint64_t flags = 0) {
        returns(Call::recvfrom, static_cast<long>(bytes.size()), fd, address(bytes.data()), 1 << 20, flags);
    }
    void moves_vectors(Call call, std::vector<::iovec> vectors, long result) {
        returns(call, result, kFd, address(vectors.data()), vectors.size());
    }
    static ::iovec vector_of(const std::string& bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

    // --- the life of the socket
    void changes(int from, int to) { plain_socket_state(&socket, from, to); }
    void connects() {
        changes(kClose, kSynSent);
        changes(kSynSent, kEstablished);
    }
    void is_accepted() {
        changes(kListen, kSynReceived);
        changes(kSynReceived, kEstablished);
    }

    std::vector<std::string> ends() {
        std::vector<std::string> out;
        for (const Record& one : take()) {
            if (one.kind() == WIRE_DIRECTION_END)
                out.emplace_back(one.header().direction == WIRE_SENT ? "sent" : "received");
            if (one.kind() == WIRE_CONNECTION_CLOSE) out.emplace_back("closed");
        }
        return out;
    }

    static constexpr int kEstablished = 1, kSynSent = 2, kSynReceived = 3, kFinWait1 = 4, kFinWait2 = 5, kClose = 7,
                         kCloseWait = 8, kLastAck = 9, kListen = 10;
    tcp_sock socket = ipv4_socket("10.0.0.1", 40000, "10.0.0.2", 8000);

 private:
    std::map<unsigned, tcp_sock*> sockets_;
};

// The tests of this fixture, seen in either way.
#define SEEN_IN_BOTH_WAYS(fixture)                                             \
    INSTANTIATE_TEST_SUITE_P(                                                  \
        Seen, fixture, testing::Values(Seen::by_syscall, Seen::by_tracepoint), \
        [](const auto& one) { return std::string(one.param == Seen::by_syscall ? "BySyscall" : "ByTracepoint"); })

}  // namespace llmsnoop::bpf_native
