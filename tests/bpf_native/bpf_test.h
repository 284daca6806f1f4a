#pragma once
// The fixture of these tests: somebody runs, makes TLS calls, and the records in the ring are looked at.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/bpf_native/fake_kernel.h"
#include "tests/bpf_native/fake_process.h"
#include "tests/bpf_native/programs.h"

namespace llmsnoop::bpf_native {

// One of the functions that move bytes.
struct IoFunction {
    int (*entry)(pt_regs*);
    int (*on_return)(pt_regs*);
    bool length_behind_pointer;
};
inline constexpr IoFunction kRead{openssl_read_entry, openssl_read_return, false};
inline constexpr IoFunction kWrite{openssl_write_entry, openssl_write_return, false};
inline constexpr IoFunction kReadEx{openssl_read_ex_entry, openssl_read_ex_return, true};
inline constexpr IoFunction kWriteEx{openssl_write_ex_entry, openssl_write_ex_return, true};
inline constexpr IoFunction kReadInternal{openssl_read_internal_entry, openssl_read_internal_return, true};

class BpfTest : public testing::Test {
 protected:
    static constexpr std::uint64_t kSsl = 0x5000'0000;
    static constexpr std::uint64_t kStack = 0x7fff'0000;

    BpfTest() : kernel(FakeKernel::instance()) { start_over(); }
    ~BpfTest() override { kernel.reset(); }

    void start_over() {
        kernel.reset();
        run(process);
    }

    void run(FakeProcess& one) { run_thread(one, one.task()); }
    void run_thread(FakeProcess& one, task_struct* thread) {
        kernel.current.task = thread;
        kernel.current.tgid = one.pid();
        kernel.current.tid = static_cast<std::uint32_t>(thread->pid);
        kernel.current.uid = one.uid;
        kernel.current.cgroup_id = one.cgroup_id;
    }

    // The first half of a call.
    void enter(const IoFunction& function, std::uint64_t ssl, const void* buffer, std::size_t size,
               std::uint64_t stack = kStack, const std::uint64_t* done = nullptr) {
        pt_regs regs = registers(ssl, address(buffer), size, address(done), 0, stack);
        function.entry(&regs);
    }
    // The second half: the return address is popped.
    void leave(const IoFunction& function, int result, std::uint64_t stack = kStack) {
        pt_regs regs = registers(0, 0, 0, 0, static_cast<std::uint32_t>(result), stack + 8);
        function.on_return(&regs);
    }
    // A whole call that moves all of `bytes`.
    void call(const IoFunction& function, const std::string& bytes, std::uint64_t ssl = kSsl,
              std::uint64_t stack = kStack) {
        const std::uint64_t done = bytes.size();
        enter(function, ssl, bytes.data(), bytes.size(), stack, &done);
        leave(function, function.length_behind_pointer ? 1 : static_cast<int>(bytes.size()), stack);
    }
    void read(const std::string& bytes, std::uint64_t ssl = kSsl) { call(kRead, bytes, ssl); }
    void write(const std::string& bytes, std::uint64_t ssl = kSsl) { call(kWrite, bytes, ssl); }

    void ssl_new(std::uint64_t ssl = kSsl) {
        pt_regs regs = registers(0, 0, 0, 0, ssl, kStack);
        openssl_new_return(&regs);
    }
    // A handshake that uses the socket.
    void shake_hands(sock& socket, int result, std::uint64_t ssl = kSsl) {
        pt_regs entry = registers(ssl, 0, 0, 0, 0, kStack);
        openssl_handshake_entry(&entry);
        socket_send_tracepoint(&socket, 517, 0);
        pt_regs exit = registers(0, 0, 0, 0, static_cast<std::uint32_t>(result), kStack + 8);
        openssl_handshake_return(&exit);
    }
    void ssl_free(std::uint64_t ssl = kSsl) {
        pt_regs regs = registers(ssl, 0, 0, 0, 0, kStack);
        openssl_free_entry(&regs);
    }
    void set_server_name(const char* name, std::uint64_t ssl = kSsl) {
        pt_regs regs = registers(ssl, 55, 0, address(name), 0, kStack);
        openssl_ctrl_entry(&regs);
    }

    static std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

    std::vector<Record> take(std::size_t ring = 0) { return kernel.ring(ring).take(); }
    std::vector<Record> take(wire_kind kind) {
        std::vector<Record> out;
        for (Record& one : take()) {
            if (one.kind() == kind) out.push_back(std::move(one));
        }
        return out;
    }
    static std::vector<wire_kind> kinds(const std::vector<Record>& records) {
        std::vector<wire_kind> out;
        out.reserve(records.size());
        for (const Record& one : records)
            out.push_back(one.kind());
        return out;
    }
    // "sent@0 hello" for each data record.
    std::vector<std::string> data() {
        std::vector<std::string> out;
        for (const Record& one : take(WIRE_DATA)) {
            out.push_back(std::string(one.header().direction == WIRE_SENT ? "sent@" : "received@") +
                          std::to_string(one.as<wire_data>().offset) + " " + one.payload());
        }
        return out;
    }
    std::uint64_t losses(wire_loss which) const { return kernel.losses(which); }

    FakeKernel& kernel;
    FakeProcess process{100, {}};
};

using Strings = std::vector<std::string>;
using Kinds = std::vector<wire_kind>;

}  // namespace llmsnoop::bpf_native
