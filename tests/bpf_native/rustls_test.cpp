// rustls: objects that encrypt or decrypt one record at a time, and the sockets by which they are tied to connections.
#include <sys/uio.h>

#include <array>
#include <memory>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr std::uint64_t kEncrypter = 0x6000'0000, kDecrypter = 0x6100'0000;
constexpr unsigned kAlert = 1, kHandshake = 2, kApplication = 3;
constexpr unsigned kRead = 0, kWrite = 1, kWritev = 20, kRecvfrom = 45, kSendmsg = 46, kRecvmsg = 47;

// A record as the encrypter leaves it, its header not written yet.
struct Sealed {
    std::vector<std::uint8_t> bytes;
    iovec vector() { return {bytes.data(), bytes.size()}; }
    void write_header() {
        const std::size_t length = bytes.size() - 5;
        const std::uint8_t header[5] = {23, 3, 3, static_cast<std::uint8_t>(length >> 8),
                                        static_cast<std::uint8_t>(length)};
        std::copy(std::begin(header), std::end(header), bytes.begin());
    }
};

class RustlsTest : public BpfTest {
 protected:
    RustlsTest() {
        process.task()->stack = kernel_stack_.data();
        saved().cs = 0x33;
    }

    pt_regs& saved() {
        return *reinterpret_cast<pt_regs*>(kernel_stack_.data() + kernel_stack_.size() - sizeof(pt_regs));
    }
    void entered_kernel(unsigned call, const void* where, std::uint64_t size) {
        saved().orig_ax = call;
        saved().si = address(where);
        saved().dx = size;
    }

    // --- what the library does
    struct Message {
        std::array<std::uint64_t, 5> words{};
    };
    static Message plain(const std::string& text, unsigned type = kApplication) {
        return {{0, address(text.data()), text.size(), 0, type}};
    }
    // Encrypts one record; `added` is what it is longer, header and all.
    std::unique_ptr<Sealed> encrypt_message(const Message& message, std::uint64_t length, std::uint64_t sequence,
                                            std::uint64_t object = kEncrypter, std::size_t added = 22) {
        auto out = std::make_unique<Sealed>();
        out->bytes.resize(length + added);
        for (std::size_t i = 5; i < out->bytes.size(); ++i)
            out->bytes[i] = static_cast<std::uint8_t>(++noise_ * 37);
        std::array<std::uint64_t, 4> result{0x16, out->bytes.size() + 7, address(out->bytes.data()), out->bytes.size()};
        pt_regs entry = registers(address(result.data()), object, address(message.words.data()), sequence, 0, kStack);
        rustls_encrypt_entry(&entry);
        pt_regs exit = registers(0, 0, 0, 0, address(result.data()), kStack + 8);
        rustls_encrypt_return(&exit);
        return out;
    }
    std::unique_ptr<Sealed> encrypt(const std::string& text, std::uint64_t sequence, unsigned type = kApplication,
                                    std::uint64_t object = kEncrypter, std::size_t added = 22) {
        return encrypt_message(plain(text, type), text.size(), sequence, object, added);
    }
    void send(sock& socket, const std::vector<Sealed*>& records, int result = 100) {
        std::vector<iovec> vectors;
        for (Sealed* one : records) {
            one->write_header();
            vectors.push_back(one->vector());
        }
        entered_kernel(kWritev, vectors.data(), vectors.size());
        socket_send_tracepoint(&socket, result, 0);
    }
    // One record, encrypted and sent.
    void write(const std::string& text, std::uint64_t sequence, sock& socket, std::uint64_t object = kEncrypter) {
        send(socket, {encrypt(text, sequence, kApplication, object).get()});
    }

    // Receives into `buffer_`, without decrypting anything.
    void receive_bytes(sock& socket, std::size_t from = 0, std::size_t size = 4096) {
        entered_kernel(kRecvfrom, buffer_.data() + from, size);
        socket_receive_tracepoint(&socket, 100, 0);
    }
    std::uint8_t* buffer() { return buffer_.data(); }
    // Decrypts a record that lies at `at` of the buffer.
    void decrypt(const std::string& text, std::uint64_t sequence, unsigned type = kApplication,
                 std::uint64_t object = kDecrypter, std::size_t at = 0, std::size_t nonce = 0) {
        std::copy(text.begin(), text.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(at + nonce));
        const std::array<std::uint64_t, 5> message{address(buffer_.data() + at), text.size() + nonce + 17, 0, 0, 0};
        const std::array<std::uint64_t, 4> result{0x16, address(buffer_.data() + at + nonce), text.size(), type};
        pt_regs entry = registers(address(result.data()), object, address(message.data()), sequence, 0, kStack);
        rustls_decrypt_entry(&entry);
        pt_regs exit = registers(0, 0, 0, 0, address(result.data()), kStack + 8);
        rustls_decrypt_return(&exit);
    }
    void read(const std::string& text, std::uint64_t sequence, sock& socket, std::uint64_t object = kDecrypter) {
        receive_bytes(socket);
        decrypt(text, sequence, kApplication, object);
    }
    // The end of a handshake: from here on the process is known.
    void shake_hands(sock& socket) {
        write_handshake(socket);
        take();
    }
    void write_handshake(sock& socket) { send(socket, {encrypt("finished", 0, kHandshake, 0x6200'0000).get()}); }

    tcp_sock first = ipv4_socket("10.0.0.1", 40001, "10.0.0.2", 443);
    tcp_sock second = ipv4_socket("10.0.0.1", 40002, "10.0.0.2", 443);

 private:
    std::vector<std::uint8_t> kernel_stack_ = std::vector<std::uint8_t>(16384);
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(8192);
    unsigned noise_ = 0;
};

TEST_F(RustlsTest, BothDirectionsAreOneConnection) {
    write("question", 0, first);
    read("answer", 0, first);
    const auto records = take();
    ASSERT_EQ(kinds(records),
              Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA, WIRE_DATA}));
    const auto open = records[1].as<wire_connection_open>();
    EXPECT_EQ(open.library, WIRE_LIBRARY_RUSTLS);
    EXPECT_EQ(records[1].header().flags, WIRE_OPEN_FROM_START);
    EXPECT_EQ(records[2].as<wire_connection_socket>().socket.local_port, 40001);
    EXPECT_EQ(records[3].payload(), "question");
    EXPECT_EQ(records[4].payload(), "answer");
    EXPECT_EQ(records[3].as<wire_data>().connection, open.connection);
    EXPECT_EQ(records[4].as<wire_data>().connection, open.connection);
}

TEST_F(RustlsTest, NothingIsToldBeforeItIsKnownWhereItGoes) {
    const auto one = encrypt("one ", 0);
    const auto two = encrypt("two", 1);
    EXPECT_TRUE(take().empty());
    send(first, {one.get(), two.get()});
    EXPECT_EQ(data(), Strings({"sent@0 one ", "sent@4 two"}));
    encrypt("three", 2);  // from now on at once
    EXPECT_EQ(data(), Strings({"sent@7 three"}));
}

TEST_F(RustlsTest, AnswersMayComeFirst) {
    shake_hands(first);
    read("settings", 0, first);
    write("question", 0, first);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_DATA, WIRE_DATA}));
    EXPECT_EQ(records[0].as<wire_data>().connection, records[1].as<wire_data>().connection);
}

TEST_F(RustlsTest, ConnectionsThatAThreadServesInTurnAreNotMixed) {
    const auto one = encrypt("one", 0);
    const auto other = encrypt("other", 0, kApplication, kEncrypter + 64);
    send(second, {other.get()});
    send(first, {one.get()});
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 2U);
    EXPECT_NE(records[0].as<wire_data>().connection, records[1].as<wire_data>().connection);
    const auto sockets_of = [&](const char* text, std::uint64_t sequence, std::uint64_t object) {
        encrypt(text, sequence, kApplication, object);
        return take(WIRE_DATA).at(0).as<wire_data>().connection;
    };
    EXPECT_EQ(sockets_of("one again", 1, kEncrypter), records[1].as<wire_data>().connection);
    EXPECT_EQ(sockets_of("other again", 1, kEncrypter + 64), records[0].as<wire_data>().connection);
}

TEST_F(RustlsTest, AnotherThreadMaySend) {
    const auto one = encrypt("question", 0);
    task_struct* thread = process.add_thread(101, "worker");
    run_thread(process, thread);
    send(first, {one.get()});
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(RustlsTest, AnotherThreadMayReceive) {
    shake_hands(first);
    run_thread(process, process.add_thread(101, "worker"));
    read("answer", 0, first);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(RustlsTest, OtherBytesAtTheSamePlaceAreNotTheRecord) {
    const auto one = encrypt("secret", 0);
    one->bytes[9] ^= 1;  // freed, and used for something else
    send(first, {one.get()});
    EXPECT_TRUE(take().empty());
}

TEST_F(RustlsTest, RecordsMayBeCopiedTogether) {
    const auto finished = encrypt("finished", 0, kHandshake, 0x6200'0000), one = encrypt("one", 0),
               two = encrypt("two", 1);
    Sealed all;
    all.bytes = {20, 3, 3, 0, 1, 1};  // change_cipher_spec
    for (Sealed* each : {finished.get(), one.get(), two.get()}) {
        each->write_header();
        all.bytes.insert(all.bytes.end(), each->bytes.begin(), each->bytes.end());
    }
    entered_kernel(kWrite, all.bytes.data(), all.bytes.size());
    socket_send_tracepoint(&first, 100, 0);
    EXPECT_EQ(data(), Strings({"sent@0 one", "sent@3 two"}));
}

TEST_F(RustlsTest, WhatWasReceivedElsewhereTellsNothing) {
    shake_hands(first);
    receive_bytes(first, 4096, 100);
    decrypt("answer", 0);  // at 0
    EXPECT_TRUE(take().empty());
    EXPECT_EQ(losses(WIRE_LOSS_UNTIED), 1U);
    // The next one shows that something is missing: the connection is not known from its start.
    read("more", 1, first);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
    EXPECT_EQ(records[3].as<wire_data>().offset, 0U);
}

TEST_F(RustlsTest, ARecordOfWhichOnlyTheEndWasReceivedLastIsTied) {
    shake_hands(first);
    receive_bytes(first, 20, 3);
    decrypt("answer", 0);  // bytes 0 to 23
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(RustlsTest, WhatWasCopiedInBetweenIsTiedByItsBytes) {
    shake_hands(first);
    const std::string header("\x17\x03\x03\x00\x30", 5), sealed = "no two records begin alike, so these bytes tell";
    const auto receive_record = [&](const std::string& bytes) {
        const std::string all = header + bytes;
        std::copy(all.begin(), all.end(), buffer() + 4096);
        receive_bytes(first, 4096, 100);
    };
    receive_record(sealed);
    decrypt(sealed, 0);
    EXPECT_EQ(data(), Strings({"received@0 " + sealed}));
    receive_record("others, quite, quite, quite others");
    decrypt(sealed, 0, kApplication, kDecrypter + 64);
    EXPECT_TRUE(take().empty());
}

TEST_F(RustlsTest, ADecrypterStaysWithItsSocket) {
    shake_hands(first);
    read("one", 0, first);
    receive_bytes(second, 4096, 100);
    decrypt("two", 1);
    EXPECT_EQ(data(), Strings({"received@0 one", "received@3 two"}));
}

TEST_F(RustlsTest, EachWayToMoveBytesIsKnown) {
    const auto one = encrypt("one", 0);
    one->write_header();
    iovec vector = one->vector();
    user_msghdr header{};
    header.msg_iov = reinterpret_cast<kernel_iovec*>(&vector);
    header.msg_iovlen = 1;
    entered_kernel(kSendmsg, &header, 0);
    socket_send_fexit(&first, nullptr, 25, 25);
    EXPECT_EQ(data(), Strings({"sent@0 one"}));
    vector = {buffer(), 4096};
    entered_kernel(kRecvmsg, &header, 0);
    socket_receive_fentry(&first);
    decrypt("two", 0);
    EXPECT_EQ(data(), Strings({"received@0 two"}));
    entered_kernel(kRead, buffer(), 4096);
    socket_receive_tracepoint(&second, 100, 0);
    decrypt("three", 0, kApplication, kDecrypter + 64);
    EXPECT_EQ(data(), Strings({"received@0 three"}));
}

TEST_F(RustlsTest, TheSecondsOfTls12AreKnownToo) {
    for (const std::size_t added : {21U, 29U}) {
        start_over();
        const auto finished = encrypt("finished", 0, kHandshake, kEncrypter, added);
        send(first, {finished.get()});
        encrypt("question", 1, kApplication, kEncrypter, added);
        receive_bytes(first);
        decrypt("answer", 0, kApplication, kDecrypter, 0, added == 29 ? 8 : 0);
        EXPECT_EQ(data(), Strings({"sent@0 question", "received@0 answer"}));
    }
}

TEST_F(RustlsTest, AMessageMayBeInSlices) {
    std::string a = "Hello, ", b, c = "world", d = "!";
    std::array<iovec, 4> slices{{{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}, {d.data(), 1}}};
    const Message message{{address(slices.data()), slices.size(), 3, 13, kApplication}};
    const auto kept = encrypt_message(message, 10, 0);
    send(first, {kept.get()});
    EXPECT_EQ(data(), Strings({"sent@0 lo, world!"}));
    encrypt_message({{address(slices.data()), slices.size(), 8, 12, kApplication}}, 4, 1);
    EXPECT_EQ(data(), Strings({"sent@10 orld"}));
}

TEST_F(RustlsTest, ALongRecordInSlicesIsKeptWhole) {
    std::string a(7000, 'a'), b(9384, 'b');
    std::array<iovec, 2> slices{{{a.data(), a.size()}, {b.data(), b.size()}}};
    const auto kept = encrypt_message({{address(slices.data()), 2, 0, 16384, kApplication}}, 16384, 0);
    send(first, {kept.get()});
    EXPECT_EQ(data(), Strings({"sent@0 " + a + b}));
}

TEST_F(RustlsTest, OnlyApplicationDataIsDelivered) {
    write("one", 0, first);
    take();
    encrypt("key update", 1, kHandshake);
    read("ticket", 0, first);
    receive_bytes(first);
    decrypt("ticket", 1, kHandshake);
    EXPECT_EQ(data(), Strings({"received@0 ticket"}));
    encrypt("two", 2);
    EXPECT_EQ(data(), Strings({"sent@3 two"}));
}

TEST_F(RustlsTest, CloseNotifyEndsTheDirection) {
    write("question", 0, first);
    read("answer", 0, first);
    take();
    receive_bytes(first);
    decrypt(std::string("\1\50", 2), 1, kAlert);  // handshake_failure
    EXPECT_TRUE(take().empty());
    decrypt(std::string("\1\0", 2), 2, kAlert);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_DIRECTION_END}));
    EXPECT_EQ(records[0].header().direction, WIRE_RECEIVED);
    EXPECT_EQ(records[0].as<wire_direction_end>().offset, 6U);
}

TEST_F(RustlsTest, AnotherLayoutDeliversNothing) {
    write("question", 0, first);
    take();
    encrypt("question", 1, kApplication, kEncrypter, 23);  // no cipher of TLS adds that
    EXPECT_TRUE(take().empty());
    // A result that points elsewhere: a failure, or another layout.
    receive_bytes(first);
    std::array<std::uint64_t, 5> message{address(buffer()), 100, 0, 0, 0};
    std::array<std::uint64_t, 4> result{6, 0, 0, kApplication};
    pt_regs entry = registers(address(result.data()), kDecrypter, address(message.data()), 0, 0, kStack);
    rustls_decrypt_entry(&entry);
    pt_regs exit = registers(0, 0, 0, 0, address(result.data()), kStack + 8);
    rustls_decrypt_return(&exit);
    EXPECT_TRUE(take().empty());
}

TEST_F(RustlsTest, AMissedRecordEndsTheConnection) {
    write("one", 0, first);
    read("two", 0, first);
    take();
    read("four", 2, first);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_LOST);
    EXPECT_EQ(records[1].header().flags, 0);
    EXPECT_EQ(records[3].as<wire_data>().offset, 0U);
    encrypt("five", 1);  // the other direction goes on with it
    EXPECT_EQ(data(), Strings({"sent@0 five"}));
}

TEST_F(RustlsTest, AnotherEncrypterAtTheSameAddressIsTiedAnew) {
    write("one", 0, first);
    take();
    const auto other = encrypt("other", 0);
    EXPECT_TRUE(take().empty());
    send(second, {other.get()});
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[2].as<wire_data>().offset, 0U);
}

TEST_F(RustlsTest, WhatAnEarlierEncrypterLeftTellsNothingOfTheNextOne) {
    const auto finished = encrypt("finished", 0, kHandshake);  // by keys that are freed before it is sent
    const auto other = encrypt("other", 0);                    // by those of another connection, at their address
    send(first, {finished.get()});
    EXPECT_TRUE(take().empty());
    send(second, {other.get()});
    const auto sockets = take(WIRE_CONNECTION_SOCKET);
    ASSERT_EQ(sockets.size(), 1U);
    EXPECT_EQ(sockets[0].as<wire_connection_socket>().socket.local_port, 40002);
}

TEST_F(RustlsTest, AnotherProcessWithTheSameNumbersIsKnownToo) {
    shake_hands(first);
    FakeProcess next(process.pid(), {});
    next.task()->stack = process.task()->stack;
    run(next);
    write("question", 0, second);
    run_thread(next, next.add_thread(101, "worker"));
    read("answer", 0, second);
    EXPECT_EQ(data(), Strings({"sent@0 question", "received@0 answer"}));
}

TEST_F(RustlsTest, NewKeysOfOneConnectionGoOnWithIt) {
    write("one", 0, first);
    write("two", 0, first, kEncrypter + 64);
    EXPECT_EQ(data(), Strings({"sent@0 one", "sent@3 two"}));
}

TEST_F(RustlsTest, ASocketThatIsClosedEndsItsConnection) {
    plain_socket_state(&first, 7, 2);  // TCP_CLOSE, TCP_SYN_SENT
    write("one", 0, first);
    take();
    first.__sk_common.skc_flags = 1;  // SOCK_DEAD
    plain_socket_state(&first, 1, 7);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
}

TEST_F(RustlsTest, TheMemoryOfASocketIsUsedAgain) {
    write("one", 0, first);
    take();
    first = ipv4_socket("10.0.0.1", 40003, "10.0.0.2", 443);
    const auto two = encrypt("two", 1);  // its socket is another by now: nobody knows
    EXPECT_TRUE(take().empty());
    write("three", 0, first, kEncrypter + 64);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_REPLACED);
}

TEST_F(RustlsTest, AKeptRecordThatIsDroppedIsAGap) {
    kernel.limit("rustls_records", 1);
    const auto one = encrypt("one", 0);
    const auto two = encrypt("two", 1);
    send(first, {one.get(), two.get()});
    EXPECT_EQ(data(), Strings({"sent@3 two"}));
}

TEST_F(RustlsTest, AConnectionThatWasThereBeforeIsJoined) {
    write("middle", 41, first);
    const auto records = take();
    EXPECT_EQ(records[1].kind(), WIRE_CONNECTION_OPEN);
    EXPECT_EQ(records[1].header().flags, 0);
    read("answer", 17, first);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(RustlsTest, OthersProcessesAreLeftAlone) {
    kernel.knobs().select = SELECT_PID;
    write("question", 0, first);
    read("answer", 0, first);
    EXPECT_TRUE(take().empty());
    EXPECT_EQ(kernel.entries("rustls_records"), 0U);
    EXPECT_EQ(kernel.entries("rustls_objects"), 0U);
}

TEST_F(RustlsTest, AReturnWithoutItsEntryIsNothing) {
    std::array<std::uint64_t, 4> result{};
    pt_regs exit = registers(0, 0, 0, 0, address(result.data()), kStack + 8);
    EXPECT_EQ(rustls_encrypt_return(&exit), 0);
    EXPECT_EQ(rustls_decrypt_return(&exit), 0);
    EXPECT_TRUE(take().empty());
}

}  // namespace

}  // namespace llmsnoop::bpf_native
