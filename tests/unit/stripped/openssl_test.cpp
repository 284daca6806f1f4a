// OpenSSL's functions name themselves where they tell of errors; they are believed only where the calls agree.
#include "agent/capture/live/stripped/openssl.h"

#include <gtest/gtest.h>

#include "tests/support/machine_code.h"

namespace llmsnoop::capture::live::stripped {
namespace {

using support::MachineCode;
using M = support::MachineCode;

enum class Version { v1_1, v3_0, v3_2 };

class OpensslTest : public testing::Test {
 protected:
    // Tells of an error as that version does, if the zero flag is set.
    static void error(MachineCode& code, Version version, const std::string& name, std::uint32_t number) {
        code.bytes({0x48, 0x85, 0xff});  // test rdi, rdi
        code.jump_if_zero("error in " + name);
        code.label("after " + name);
        pending.push_back({version, name, number});
    }
    static void put_errors(MachineCode& code) {
        for (const Pending& one : pending) {
            code.label("error in " + one.name);
            if (one.version == Version::v1_1) {
                code.set(M::rdi, 20);
                code.set(M::rsi, one.number);
                code.set(M::rdx, 271);
                code.set_address(M::rcx, "file");
                code.set(M::r8, 100);
            } else {
                code.set_address(M::rdi, "file");
                code.set(M::rsi, 100);
                code.set_address(M::rdx, "name of " + one.name);
            }
            code.call("error");
            code.ret();
        }
        for (const Pending& one : pending)
            code.text("name of " + one.name, one.name.substr(0, one.name.find(' ')));
        pending.clear();
    }

    static void direction(MachineCode& code, Version version, const std::string& exported, const std::string& internal,
                          bool has_flags, const std::vector<std::uint32_t>& numbers) {
        code.function(internal);
        error(code, version, internal, numbers[1]);
        code.ret();
        put_errors(code);
        code.function(exported);
        error(code, version, exported, numbers[0]);
        if (has_flags) {
            code.bytes({0x31, 0xc9});  // xor ecx, ecx
            code.set_local_address(M::r8);
        } else {
            code.set_local_address(M::rcx);
        }
        code.call(internal);
        code.ret();
        put_errors(code);
    }

    static void put(MachineCode& code, Version version) {
        code.text("file", "../ssl/ssl_lib.c");
        code.function("error");
        code.ret();
        direction(code, version, "SSL_read", "ssl_read_internal", false, {223, 523});
        direction(code, version, "SSL_write", "ssl_write_internal", version == Version::v3_2, {208, 524});
        code.function("SSL_new");
        error(code, version, "SSL_new", 186);
        code.ret();
        put_errors(code);
        code.function("user");
        for (const char* name : {"SSL_read", "SSL_write", "SSL_new", "ssl_read_internal", "ssl_write_internal"})
            code.call(name);
        code.ret();
    }

    base::Result<OpensslFunctions> find(MachineCode& code) {
        code.link();
        const Image image({{code.code_at(), code.code(), true}, {code.data_at(), code.data(), false}});
        Budget budget;
        return find_openssl_functions(image, *machine_, find_anchors(image, kOpensslAnchor), budget);
    }

 private:
    struct Pending {
        Version version;
        std::string name;
        std::uint32_t number;
    };
    static inline std::vector<Pending> pending;
    const std::unique_ptr<const Machine> machine_ = x86_64_machine();
};

TEST_F(OpensslTest, EachVersionIsFound) {
    for (const Version version : {Version::v1_1, Version::v3_0, Version::v3_2}) {
        for (const auto addresses : {M::Addresses::relative, M::Addresses::absolute}) {
            MachineCode code(0x401000, 0x300000, addresses);
            put(code, version);
            const auto found = find(code);
            ASSERT_TRUE(found) << found.error().message;
            EXPECT_EQ(found->read_internal, code.at("ssl_read_internal"));
            EXPECT_EQ(found->write_internal, code.at("ssl_write_internal"));
            EXPECT_EQ(found->write_has_flags, version == Version::v3_2);
            EXPECT_EQ(found->create, code.at("SSL_new"));
            EXPECT_FALSE(found->handshake);
        }
    }
}

TEST_F(OpensslTest, TwoFunctionsOfOneNameAreRefused) {
    MachineCode code;
    put(code, Version::v3_0);
    code.function("another");
    error(code, Version::v3_0, "SSL_read too", 0);
    code.ret();
    put_errors(code);
    code.function("its user");
    code.call("another");
    code.ret();
    const auto found = find(code);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message, "2 functions call themselves SSL_read, one is needed");
}

TEST_F(OpensslTest, ACallOfAnotherShapeIsRefused) {
    MachineCode code;
    code.text("file", "ssl/ssl_lib.c");
    code.function("error");
    code.ret();
    direction(code, Version::v3_0, "SSL_read", "ssl_read_internal", true, {0, 0});
    direction(code, Version::v3_0, "SSL_write", "ssl_write_internal", false, {0, 0});
    code.function("user");
    for (const char* name : {"SSL_read", "SSL_write", "ssl_read_internal", "ssl_write_internal"})
        code.call(name);
    code.ret();
    const auto found = find(code);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message, "SSL_read is of an unknown kind");
}

TEST_F(OpensslTest, BoringsslIsNotOpenssl) {
    MachineCode code;
    support::SmallBoringssl{}.put(code);
    code.link();
    const Image image({{code.code_at(), code.code(), true}, {code.data_at(), code.data(), false}});
    EXPECT_TRUE(find_anchors(image, kOpensslAnchor).empty());
}

}  // namespace
}  // namespace llmsnoop::capture::live::stripped
