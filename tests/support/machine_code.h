#pragma once
// Small x86-64 programs for tests of those who read code: functions, jumps, calls and texts, put down one after the
// other and tied together by names. Position-independent or not, as the program is asked to be.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/bytes.h"

namespace llmsnoop::support {

class MachineCode {
 public:
    enum class Addresses { relative, absolute };  // how code names data
    // The numbers of the registers in instructions.
    enum Register : std::uint8_t {
        rax = 0,
        rcx = 1,
        rdx = 2,
        rbx = 3,
        rsp = 4,
        rbp = 5,
        rsi = 6,
        rdi = 7,
        r8 = 8,
        r9 = 9
    };

    explicit MachineCode(std::uint64_t code_at = 0x401000, std::uint64_t data_at = 0x300000,
                         Addresses addresses = Addresses::absolute)
        : code_at_(code_at), data_at_(data_at), addresses_(addresses) {
        data_.push_back(0);  // no text is at the very beginning, and each has a NUL before it
    }

    void function(const std::string& name) {
        while (code_.size() % 16 != 0)
            code_.push_back(0xcc);
        label(name);
    }
    void label(const std::string& name) { labels_[name] = code_at_ + code_.size(); }
    void text(const std::string& name, const std::string& value) {
        labels_[name] = data_at_ + data_.size();
        data_.insert(data_.end(), value.begin(), value.end());
        data_.push_back(0);
    }

    void bytes(std::initializer_list<std::uint8_t> some) { code_.insert(code_.end(), some); }
    void call(const std::string& name) { transfer({0xe8}, name); }
    void jump(const std::string& name) { transfer({0xe9}, name); }
    void jump_if_zero(const std::string& name) { transfer({0x0f, 0x84}, name); }
    void ret() { bytes({0xc3}); }
    void set(Register which, std::uint32_t value) {  // mov r32, imm32
        if (which >= r8) bytes({0x41});
        bytes({static_cast<std::uint8_t>(0xb8 + which % 8)});
        number(value);
    }
    void copy(Register to, Register from) {  // mov r64, r64
        bytes({static_cast<std::uint8_t>(0x48 | (from >= r8 ? 4 : 0) | (to >= r8 ? 1 : 0)), 0x89,
               static_cast<std::uint8_t>(0xc0 | (from % 8) << 3 | to % 8)});
    }
    void set_address(Register which, const std::string& name) {
        if (addresses_ == Addresses::relative) {
            transfer({static_cast<std::uint8_t>(which >= r8 ? 0x4c : 0x48), 0x8d,
                      static_cast<std::uint8_t>(0x05 | (which % 8) << 3)},
                     name);
            return;
        }
        if (which >= r8) bytes({0x41});
        bytes({static_cast<std::uint8_t>(0xb8 + which % 8)});
        fixes_.push_back({code_.size(), name, false});
        number(0);
    }
    void set_local_address(Register which) {  // lea r64, [rsp+8]
        bytes({static_cast<std::uint8_t>(which >= r8 ? 0x4c : 0x48), 0x8d,
               static_cast<std::uint8_t>(0x44 | (which % 8) << 3), 0x24, 0x08});
    }
    void store_under(Register base) {  // mov [r64+8], rax
        bytes({static_cast<std::uint8_t>(base >= r8 ? 0x49 : 0x48), 0x89, static_cast<std::uint8_t>(0x40 | base % 8)});
        if (base % 8 == rsp) bytes({0x24});
        bytes({0x08});
    }
    void fill(std::size_t size) { code_.resize(code_.size() + size, 0xcc); }

    // Every name must have been placed by now.
    void link() {
        for (const Fix& one : fixes_) {
            const std::uint64_t behind = code_at_ + one.at + 4;
            const auto value = static_cast<std::uint32_t>(labels_.at(one.name) - (one.relative ? behind : 0));
            for (unsigned i = 0; i < 4; ++i)
                code_[one.at + i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
        fixes_.clear();
    }

    std::uint64_t at(const std::string& name) const { return labels_.at(name); }
    std::uint64_t code_at() const { return code_at_; }
    std::uint64_t data_at() const { return data_at_; }
    std::vector<std::uint8_t>& code() { return code_; }
    std::vector<std::uint8_t>& data() { return data_; }

 private:
    struct Fix {
        std::size_t at;
        std::string name;
        bool relative;
    };

    void number(std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i)
            code_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    void transfer(std::initializer_list<std::uint8_t> instruction, const std::string& name) {
        bytes(instruction);
        fixes_.push_back({code_.size(), name, true});
        number(0);
    }

    std::uint64_t code_at_, data_at_;
    Addresses addresses_;
    std::vector<std::uint8_t> code_, data_;
    std::map<std::string, std::uint64_t> labels_;
    std::vector<Fix> fixes_;
};

// BoringSSL as far as its finder looks at it: functions that tell their errors with a reason, a file and a line.
struct SmallBoringssl {
    std::string prefix;           // of the functions' names, for a second copy
    std::string file_label = {};  // another copy's text
    std::string file = "../../vendor/boringssl/ssl/ssl_lib.cc";
    bool drops_argument = false;  // as link-time optimisation does with one that nobody uses
    bool peek_stores = false;     // then it cannot be told from SSL_read
    std::uint32_t write_reason = 111;
    std::uint32_t first_line = 1000;

    void put(MachineCode& code) const {
        using M = MachineCode;
        if (file_label.empty()) code.text(prefix + "file", file);
        code.function(prefix + "error");
        code.ret();
        inner_read(code);
        outer_read(code, "SSL_peek", first_line + 60, peek_stores);
        outer_read(code, "SSL_read", first_line + 50, true);
        code.function(prefix + "SSL_write");
        code.bytes({0x55});  // push rbp
        errors(code, "w", {{66, 70}, {226, 75}, {215, 85}, {write_reason, 90}});
        code.store_under(M::rdi);
        code.bytes({0x5d});
        code.ret();
        tail(code, "w", {{66, 70}, {226, 75}, {215, 85}, {write_reason, 90}});
        code.function(prefix + "SSL_new");
        errors(code, "n", {{185, 1}});
        code.ret();
        tail(code, "n", {{185, 1}});
        code.function(prefix + "user");
        for (const char* name : {"SSL_read", "SSL_peek", "SSL_write", "SSL_new"})
            code.call(prefix + name);
        code.ret();
    }

 private:
    struct Error {
        std::uint32_t reason, line;
    };

    void inner_read(MachineCode& code) const {
        code.function(prefix + "inner");
        errors(code, "i", {{226, 10}, {215, 20}});
        code.ret();
        tail(code, "i", {{226, 10}, {215, 20}});
    }

    void outer_read(MachineCode& code, const std::string& name, std::uint32_t line, bool stores) const {
        code.function(prefix + name);
        code.bytes({0x55});
        const Error error{66, line - first_line};
        errors(code, name, {error});
        code.call(prefix + "inner");
        if (stores) code.store_under(MachineCode::rbx);
        code.bytes({0x5d});
        code.ret();
        tail(code, name, {error});
    }

    // Branches to where each error is told.
    void errors(MachineCode& code, const std::string& name, const std::vector<Error>& all) const {
        for (const Error& one : all) {
            code.bytes({0x48, 0x85, 0xff});  // test rdi, rdi
            code.jump_if_zero(prefix + name + std::to_string(one.reason));
        }
    }

    // Each error sets its reason and line, and all share one call, as compilers make it.
    void tail(MachineCode& code, const std::string& name, const std::vector<Error>& all) const {
        using M = MachineCode;
        for (const Error& one : all) {
            code.label(prefix + name + std::to_string(one.reason));
            code.set(drops_argument ? M::rsi : M::rdx, one.reason);
            code.set(drops_argument ? M::rcx : M::r8, first_line + one.line);
            code.jump(prefix + name + "tail");
        }
        code.label(prefix + name + "tail");
        code.set(M::rdi, 16);
        if (!drops_argument) code.bytes({0x31, 0xf6});  // xor esi, esi
        code.set_address(drops_argument ? M::rdx : M::rcx, file_label.empty() ? prefix + "file" : file_label);
        code.call(prefix + "error");
        code.set(M::rax, 0xffffffff);
        code.ret();
    }
};

}  // namespace llmsnoop::support
