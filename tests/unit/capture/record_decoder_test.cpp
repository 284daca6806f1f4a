#include "agent/capture/record_decoder.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bpf/shared/wire.h"
#include "tests/support/client_hello.h"

namespace llmsnoop::capture {
namespace {

using base::Bytes;
using std::chrono::nanoseconds;

template <typename Record>
std::vector<std::uint8_t> bytes_of(Record record, wire_kind kind, std::string_view payload = "") {
    record.header.size = static_cast<std::uint32_t>(sizeof record + payload.size());
    record.header.version = LLMSNOOP_WIRE_VERSION;
    record.header.kind = static_cast<std::uint8_t>(kind);
    std::vector<std::uint8_t> out(record.header.size);
    std::memcpy(out.data(), &record, sizeof record);
    std::memcpy(out.data() + sizeof record, payload.data(), payload.size());
    return out;
}

class RecordDecoderTest : public testing::Test {
 protected:
    RecordDecoderTest() { decoder_.set_clock(nanoseconds(1'000'000)); }

    model::LossCounters losses_;
    RecordDecoder decoder_{losses_};
};

TEST_F(RecordDecoderTest, ReadsData) {
    wire_data data{};
    data.header.direction = WIRE_RECEIVED;
    data.connection = 77;
    data.time_ns = 500;
    data.offset = 1000;
    data.length = 5;
    data.captured = 5;
    // Size classes leave room behind the payload that must not be looked at.
    const auto record = bytes_of(data, WIRE_DATA, "hello and old memory");
    const auto event = decoder_.decode(record);
    ASSERT_TRUE(event.has_value());
    const auto& chunk = std::get<model::Chunk>(*event);
    EXPECT_EQ(chunk.connection, 77U);
    EXPECT_EQ(chunk.direction, model::Direction::received);
    EXPECT_EQ(chunk.offset, 1000U);
    EXPECT_EQ(chunk.length, 5U);
    EXPECT_EQ(base::as_text(chunk.bytes), "hello");
    EXPECT_EQ(base::unix_ns(chunk.time), 1'000'500);
}

TEST_F(RecordDecoderTest, SaysWhyBytesAreMissing) {
    wire_data data{};
    data.length = 1 << 20;
    data.header.flags = WIRE_MISSING_CALL_LIMIT;
    const auto limited = decoder_.decode(bytes_of(data, WIRE_DATA));
    EXPECT_EQ(std::get<model::Chunk>(*limited).length, 1U << 20);
    EXPECT_TRUE(std::get<model::Chunk>(*limited).bytes.empty());
    EXPECT_EQ(std::get<model::Chunk>(*limited).missing, model::Loss::call_limit);
    data.header.flags = WIRE_MISSING_UNREADABLE;
    EXPECT_EQ(std::get<model::Chunk>(*decoder_.decode(bytes_of(data, WIRE_DATA))).missing,
              model::Loss::user_page_unreadable);
    data.header.flags = WIRE_MISSING_UNSEEN;
    EXPECT_EQ(std::get<model::Chunk>(*decoder_.decode(bytes_of(data, WIRE_DATA))).missing,
              model::Loss::moved_in_kernel);
    data.header.flags = WIRE_MISSING_RING_FULL;
    EXPECT_EQ(std::get<model::Chunk>(*decoder_.decode(bytes_of(data, WIRE_DATA))).missing, model::Loss::ring_full);
    data.header.flags = WIRE_MISSING_SHARE;
    EXPECT_EQ(std::get<model::Chunk>(*decoder_.decode(bytes_of(data, WIRE_DATA))).missing, model::Loss::process_share);
}

TEST(LossOfWire, EachHasItsOwnName) {
    std::set<model::Loss> names;
    for (std::uint32_t i = 0; i < WIRE_LOSS_COUNT; ++i)
        names.insert(loss_of_wire(i));
    EXPECT_EQ(names.size(), std::size_t{WIRE_LOSS_COUNT});
    EXPECT_EQ(loss_of_wire(WIRE_LOSS_UNTIED), model::Loss::connection_untied);
    EXPECT_EQ(loss_of_wire(WIRE_LOSS_PROCESS_SHARE), model::Loss::process_share);
}

TEST_F(RecordDecoderTest, ReadsTheLifeOfAConnection) {
    wire_connection_open open{};
    open.header.flags = WIRE_OPEN_FROM_START;
    open.connection = 1;
    open.pid = 42;
    open.process_start_ns = 9;
    open.library = WIRE_LIBRARY_OPENSSL;
    const auto opened = std::get<model::ConnectionOpened>(*decoder_.decode(bytes_of(open, WIRE_CONNECTION_OPEN)));
    EXPECT_TRUE(opened.from_start);
    EXPECT_EQ(opened.process, (model::ProcessKey{42, 9}));
    EXPECT_EQ(opened.library, model::Library::openssl);
    EXPECT_EQ(opened.transport, model::Transport::tls);
    open.library = WIRE_LIBRARY_NONE;
    const auto plain = std::get<model::ConnectionOpened>(*decoder_.decode(bytes_of(open, WIRE_CONNECTION_OPEN)));
    EXPECT_EQ(plain.library, model::Library::none);
    EXPECT_EQ(plain.transport, model::Transport::plain);

    wire_connection_socket socket{};
    socket.connection = 1;
    socket.socket.family = AF_INET;
    socket.socket.peer_address[0] = 192;
    socket.socket.peer_address[3] = 7;
    socket.socket.peer_port = 443;
    const auto addressed =
        std::get<model::ConnectionAddressed>(*decoder_.decode(bytes_of(socket, WIRE_CONNECTION_SOCKET)));
    EXPECT_EQ(to_string(addressed.peer->address), "192.0.0.7");
    EXPECT_EQ(addressed.peer->port, 443);
    socket.socket.family = AF_UNIX;
    EXPECT_FALSE(std::get<model::ConnectionAddressed>(*decoder_.decode(bytes_of(socket, WIRE_CONNECTION_SOCKET))).peer);

    wire_connection_name name{};
    name.connection = 1;
    std::memset(name.name, 'a', sizeof name.name);  // not terminated
    EXPECT_EQ(
        std::get<model::ConnectionNamed>(*decoder_.decode(bytes_of(name, WIRE_CONNECTION_NAME))).server_name.size(),
        sizeof name.name);

    wire_connection_close close{};
    close.connection = 1;
    close.offset[WIRE_SENT] = 10;
    close.offset[WIRE_RECEIVED] = 20;
    const auto closed = std::get<model::ConnectionClosed>(*decoder_.decode(bytes_of(close, WIRE_CONNECTION_CLOSE)));
    EXPECT_EQ(closed.sent, 10U);
    EXPECT_EQ(closed.received, 20U);
}

TEST_F(RecordDecoderTest, ReadsAProcess) {
    wire_process process{};
    process.pid = 4711;
    process.ppid = 1;
    process.uid = 1000;
    process.start_ns = 5;
    process.cgroup_id = 6;
    std::strcpy(process.comm, "python3");
    const std::string_view exe("python3\0bin\0usr\0", 16);
    std::memcpy(process.exe.names, exe.data(), exe.size());
    process.exe.size = static_cast<std::uint32_t>(exe.size());
    const auto seen = std::get<model::ProcessSeen>(*decoder_.decode(bytes_of(process, WIRE_PROCESS))).process;
    EXPECT_EQ(seen.exe, "/usr/bin/python3");
    EXPECT_EQ(seen.cgroup, "/");
    EXPECT_EQ(seen.comm, "python3");
    process.exe.cut = WIRE_CUT_ROOT;
    EXPECT_EQ(std::get<model::ProcessSeen>(*decoder_.decode(bytes_of(process, WIRE_PROCESS))).process.exe,
              ".../usr/bin/python3");
    const std::string name(WIRE_COMPONENT_MAX - 1, 'n');
    const std::string long_name = "leaf" + std::string(1, '\0') + name + std::string(1, '\0');
    std::memcpy(process.cgroup.names, long_name.data(), long_name.size());
    process.cgroup.size = static_cast<std::uint32_t>(long_name.size());
    process.cgroup.cut = WIRE_CUT_NAME;
    EXPECT_EQ(std::get<model::ProcessSeen>(*decoder_.decode(bytes_of(process, WIRE_PROCESS))).process.cgroup,
              "/" + name + ".../leaf");
    process.exe.size = 1 << 30;  // a length from elsewhere
    EXPECT_TRUE(decoder_.decode(bytes_of(process, WIRE_PROCESS)).has_value());
}

TEST_F(RecordDecoderTest, ReadsTlsThatNoProbeSees) {
    const std::string bytes = support::client_hello("API.example");
    wire_hello hello{};
    hello.time_ns = 500;
    hello.socket = 77;
    hello.process_start_ns = 9;
    hello.pid = 42;
    hello.captured = static_cast<std::uint32_t>(bytes.size());
    hello.addresses.family = AF_INET;
    hello.addresses.local_port = 40000;
    hello.addresses.peer_port = 443;
    std::memcpy(hello.bytes, bytes.data(), bytes.size());
    const auto began = std::get<model::UnprobedTls>(*decoder_.decode(bytes_of(hello, WIRE_HELLO)));
    EXPECT_EQ(began.what, model::UnprobedTls::What::began);
    EXPECT_EQ(began.process, (model::ProcessKey{42, 9}));
    EXPECT_EQ(began.socket, 77U);
    EXPECT_EQ(began.server_name, "api.example");
    EXPECT_EQ(began.local->port, 40000);
    EXPECT_EQ(began.peer->port, 443);
    EXPECT_EQ(base::unix_ns(began.time), 1'000'500);
    EXPECT_EQ(losses_.get(model::Loss::server_name_unread), 0U);

    hello.captured = 60;  // old memory behind it is not looked at
    hello.addresses.family = 0;
    const auto cut = std::get<model::UnprobedTls>(*decoder_.decode(bytes_of(hello, WIRE_HELLO)));
    EXPECT_EQ(cut.server_name, "");
    EXPECT_FALSE(cut.local);
    EXPECT_EQ(losses_.get(model::Loss::server_name_unread), 1U);
    hello.captured = WIRE_HELLO_MAX + 1;
    EXPECT_FALSE(decoder_.decode(bytes_of(hello, WIRE_HELLO)));
    EXPECT_EQ(losses_.get(model::Loss::record_size), 1U);

    wire_hello_data data{};
    data.socket = 77;
    data.process_start_ns = 9;
    data.pid = 42;
    const auto carries = std::get<model::UnprobedTls>(*decoder_.decode(bytes_of(data, WIRE_HELLO_DATA)));
    EXPECT_EQ(carries.what, model::UnprobedTls::What::carries_data);
    EXPECT_EQ(carries.process, (model::ProcessKey{42, 9}));
    EXPECT_EQ(carries.socket, 77U);
}

TEST_F(RecordDecoderTest, CountsWhatItCannotRead) {
    wire_data data{};
    auto record = bytes_of(data, WIRE_DATA, "x");
    EXPECT_FALSE(decoder_.decode(Bytes(record).first(3)));
    EXPECT_EQ(losses_.get(model::Loss::record_size), 1U);
    EXPECT_FALSE(decoder_.decode(Bytes(record).first(record.size() - 1)));  // shorter than it says
    EXPECT_EQ(losses_.get(model::Loss::record_size), 2U);
    data.captured = 2;
    data.length = 2;
    EXPECT_FALSE(decoder_.decode(bytes_of(data, WIRE_DATA, "x")));  // says it holds more than it does
    EXPECT_EQ(losses_.get(model::Loss::record_size), 3U);
    record[4] = LLMSNOOP_WIRE_VERSION + 1;
    EXPECT_FALSE(decoder_.decode(record));
    EXPECT_EQ(losses_.get(model::Loss::record_version), 1U);
    EXPECT_FALSE(decoder_.decode(bytes_of(data, static_cast<wire_kind>(200))));
    EXPECT_EQ(losses_.get(model::Loss::record_kind), 1U);
}

// Found by record_decoder_fuzz: a time that the clock cannot be added to.
TEST_F(RecordDecoderTest, KeepsTimesWithinReach) {
    decoder_.set_clock(nanoseconds(1'700'000'000'000'000'000));
    for (const std::uint64_t time : {UINT64_MAX, std::uint64_t{INT64_MAX}, std::uint64_t{INT64_MAX / 2}}) {
        wire_direction_end end{};
        end.time_ns = time;
        const auto event = decoder_.decode(bytes_of(end, WIRE_DIRECTION_END));
        ASSERT_TRUE(event.has_value());
        EXPECT_EQ(base::unix_ns(std::get<model::DirectionEnded>(*event).time), INT64_MAX / 2);
    }
}

TEST_F(RecordDecoderTest, SurvivesAnything) {
    std::mt19937 random(1);
    for (int i = 0; i < 100'000; ++i) {
        std::vector<std::uint8_t> record(random() % 2600);
        for (auto& byte : record)
            byte = static_cast<std::uint8_t>(random());
        if (record.size() >= sizeof(wire_header) && random() % 4 != 0) {
            const wire_header header{static_cast<std::uint32_t>(random() % (record.size() + 2)), LLMSNOOP_WIRE_VERSION,
                                     static_cast<std::uint8_t>(random() % 13), static_cast<std::uint8_t>(random() % 3),
                                     static_cast<std::uint8_t>(random() % 4)};
            std::memcpy(record.data(), &header, sizeof header);
        }
        const auto event = decoder_.decode(record);
        if (!event) continue;
        if (const auto* chunk = std::get_if<model::Chunk>(&*event)) {
            EXPECT_LE(chunk->bytes.size(), chunk->length);
            EXPECT_LE(chunk->bytes.size(), record.size());
        }
    }
}

}  // namespace
}  // namespace llmsnoop::capture
