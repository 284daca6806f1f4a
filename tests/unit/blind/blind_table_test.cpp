#include "agent/blind/blind_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmsnoop::blind {
namespace {

using model::BlindCause;
using model::BlindReason;
using model::UnprobedTls;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kModelHost = "api.openai.com";

model::Endpoint port(std::uint16_t number) {
    model::Endpoint out;
    out.port = number;
    return out;
}

class BlindTableTest : public testing::Test {
 protected:
    BlindTableTest() {
        options_.is_model_host = [](std::string_view host) {
            return host == kModelHost || host == "api.anthropic.com";
        };
        options_.look = [this](const model::ProcessKey&) {
            ++looks_;
            return cause_;
        };
        options_.identity = [](const model::ProcessKey& key) {
            auto out = std::make_shared<model::Identity>();
            out->process.key = key;
            out->process.comm = "agent";
            return out;
        };
    }

    BlindTable& table() {
        if (!table_) table_.emplace(options_, losses_);
        return *table_;
    }

    // --- what a source tells
    void hello(std::uint64_t socket, std::string_view host = kModelHost, std::optional<std::uint16_t> local = {}) {
        UnprobedTls event;
        event.process = process_;
        event.time = now_;
        event.socket = socket;
        event.server_name = host;
        event.local = port(local.value_or(static_cast<std::uint16_t>(socket)));
        event.peer = port(443);
        table().unprobed(event);
    }
    void data(std::uint64_t socket) {
        UnprobedTls event;
        event.process = process_;
        event.time = now_;
        event.socket = socket;
        event.what = UnprobedTls::What::carries_data;
        table().unprobed(event);
    }
    ReadConnection connection(model::ConnectionId id, std::optional<std::uint16_t> local = {},
                              const std::string& server_name = "", const std::string& authority = "") const {
        ReadConnection out;
        out.id = id;
        out.process = process_;
        out.opened = now_;
        if (local) {
            out.local = port(*local);
            out.peer = port(443);
        }
        out.server_name = server_name;
        out.authority = authority;
        return out;
    }
    void ends(model::ProcessEnded::How how = model::ProcessEnded::How::exited) { table().ended({now_, process_, how}); }
    void pass(base::Duration time) {
        now_ += time;
        table().tick(now_);
    }

    // "host reason connections" of the one process that is blind.
    std::vector<std::string> blind() {
        std::vector<std::string> out;
        for (const auto& process : table().list()) {
            for (const auto& host : process.hosts) {
                out.push_back(host.host + " " + std::string(name_of(host.cause.reason)) + " " +
                              std::to_string(host.connections));
            }
        }
        return out;
    }

    BlindOptions options_;
    model::LossCounters losses_;
    std::optional<BlindCause> cause_ = BlindCause{BlindReason::no_library, ""};
    int looks_ = 0;
    model::ProcessKey process_{100, 7};
    base::Time now_ = base::time_from_unix_ns(1'700'000'000'000'000'000);

 private:
    std::optional<BlindTable> table_;
};

TEST_F(BlindTableTest, AConnectionThatIsNotReadIsABlindSpot) {
    hello(1);
    data(1);
    const base::Time carried = now_;
    pass(seconds(9));
    EXPECT_THAT(blind(), IsEmpty());
    pass(seconds(1));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
    const auto process = table().list().at(0);
    EXPECT_EQ(process.key, process_);
    EXPECT_EQ(process.who->process.comm, "agent");
    EXPECT_EQ(process.hosts[0].since, carried);
    EXPECT_FALSE(process.ended);
}

TEST_F(BlindTableTest, AHandshakeAloneIsNone) {
    hello(1);
    pass(minutes(10));
    EXPECT_THAT(blind(), IsEmpty());
    data(1);  // a connection that was kept ready
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, OtherHostsAreOfNoInterest) {
    hello(1, "example.com");
    hello(2, "");
    data(1);
    data(2);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
    EXPECT_EQ(looks_, 0);
}

TEST_F(BlindTableTest, DataOfASocketThatIsNotKnownIsNothing) {
    data(1);
    hello(1);
    process_.pid = 101;
    data(1);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, ASocketsAddressIsUsedAgain) {
    hello(1);
    hello(1, "example.com");
    data(1);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, PlaintextOfTheSameSocketIsSeeing) {
    hello(1);
    table().read(connection(9, 1));
    data(1);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
    EXPECT_EQ(looks_, 0);
}

TEST_F(BlindTableTest, PlaintextMayBeHeardOfFirst) {
    table().read(connection(9, 1));
    hello(1);
    data(1);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, PlaintextMayBeHeardOfLate) {
    hello(1);
    data(1);
    pass(seconds(9));
    table().read(connection(9, 1));
    pass(seconds(9));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, WhereTheSocketIsNotKnownTheNameDecides) {
    const std::string host(kModelHost);
    const std::pair<std::string, std::string> names[] = {{host, ""}, {"", host}, {"proxy.example", host}};
    for (const auto& [server_name, authority] : names) {
        hello(1);
        data(1);
        table().read(connection(9, {}, server_name, authority));
        pass(minutes(1));
        EXPECT_THAT(blind(), IsEmpty());
        ends();
        pass(minutes(10));
    }
    hello(1);
    data(1);
    table().read(connection(9, {}, "example.com"));
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, WhatIsKnownOfAReadConnectionAddsUp) {
    hello(1);
    data(1);
    table().read(connection(9));
    table().read(connection(9, {}, "example.com"));
    table().read(connection(9, 1));
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, APlaintextOfUnknownPlaceMayBeThisOne) {
    hello(1);
    data(1);
    table().read(connection(9));
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, ButNotIfItBeganLongBefore) {
    table().read(connection(9));
    pass(minutes(1));
    hello(1);
    data(1);
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, AnotherSocketsPlaintextIsNotThisOnes) {
    cause_ = BlindCause{BlindReason::connection_missed, "libssl.so.3 is probed"};
    hello(1);
    hello(2);
    data(1);
    data(2);
    table().read(connection(9, 2, std::string(kModelHost)));
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com connection_missed 1"));
}

TEST_F(BlindTableTest, AnotherProcessesPlaintextIsNotThisOnes) {
    hello(1);
    data(1);
    const model::ProcessKey whose = process_;
    process_.pid = 101;
    table().read(connection(9, 1));
    process_ = whose;
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, ALaterConnectionThatIsReadEndsIt) {
    hello(1);
    data(1);
    hello(2, "api.anthropic.com");
    data(2);
    pass(seconds(10));
    EXPECT_EQ(blind().size(), 2U);
    pass(seconds(1));
    table().read(connection(9, 3, std::string(kModelHost)));
    EXPECT_THAT(blind(), ElementsAre("api.anthropic.com no_library 1"));
    table().read(connection(9, 3, "", "api.anthropic.com"));
    EXPECT_THAT(blind(), IsEmpty());
    for (const auto& [reason, count] : table().by_reason())
        EXPECT_EQ(count, 0) << reason;
}

TEST_F(BlindTableTest, CountsTheConnectionsOfAHost) {
    for (std::uint64_t socket = 1; socket <= 3; ++socket) {
        hello(socket);
        data(socket);
        data(socket);
    }
    pass(seconds(10));
    cause_->reason = BlindReason::library_refused;
    hello(4);
    data(4);
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com library_refused 4"));
}

TEST_F(BlindTableTest, AProcessThatHasEndedIsRememberedForAWhile) {
    hello(1);
    data(1);
    ends();
    cause_ = std::nullopt;  // it cannot be looked at any more
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
    EXPECT_TRUE(table().list().at(0).ended);
    pass(minutes(4));
    EXPECT_EQ(blind().size(), 1U);
    pass(minutes(2));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, AProcessThatIsGoneBeforeAnybodyLooks) {
    cause_ = std::nullopt;
    hello(1);
    data(1);
    ends();
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com process_gone 1"));
}

TEST_F(BlindTableTest, AnEndOfWhichNobodyTells) {
    hello(1);
    data(1);
    pass(seconds(10));
    cause_ = std::nullopt;
    pass(minutes(1));
    EXPECT_TRUE(table().list().at(0).ended);
    pass(minutes(6));
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, AnotherProgramInTheSameProcessIsNotToBlame) {
    hello(1);
    data(1);
    pass(seconds(10));
    ends(model::ProcessEnded::How::executed);
    EXPECT_THAT(blind(), IsEmpty());
}

TEST_F(BlindTableTest, WhatAProxyPassesOnIsNotItsOwn) {
    table().tunnel(process_, std::string(kModelHost), now_);
    hello(1);
    data(1);
    pass(seconds(10));
    EXPECT_THAT(blind(), IsEmpty());
    // Heard of in the other order, before data and after.
    hello(2);
    table().tunnel(process_, std::string(kModelHost), now_);
    data(2);
    pass(seconds(30));
    hello(3);
    data(3);
    table().tunnel(process_, std::string(kModelHost), now_);
    pass(minutes(1));
    EXPECT_THAT(blind(), IsEmpty());
    // The client may have looked up the name itself.
    for (const char* to : {"192.0.2.1", "2001:db8::1"}) {
        hello(5);
        table().tunnel(process_, to, now_);
        data(5);
        hello(6);
        data(6);
        pass(minutes(1));
        EXPECT_THAT(blind(), IsEmpty()) << to;
    }
    // A tunnel to another host, or one of long ago, says nothing.
    table().tunnel(process_, "api.anthropic.com", now_);
    hello(4);
    data(4);
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, TheGaugeCountsEachProcessOnceByItsLatest) {
    EXPECT_EQ(table().by_reason().size(), model::kBlindReasons.size());
    hello(1);
    data(1);
    pass(seconds(1));
    hello(2, "api.anthropic.com");
    data(2);
    pass(seconds(9));
    cause_->reason = BlindReason::library_unsupported;
    pass(seconds(1));
    process_.pid = 101;
    hello(1);
    data(1);
    cause_->reason = BlindReason::no_library;
    pass(seconds(10));
    const auto counts = table().by_reason();
    EXPECT_EQ(counts.at("library_unsupported"), 1);
    EXPECT_EQ(counts.at("no_library"), 1);
    EXPECT_EQ(counts.at("library_refused"), 0);
}

TEST_F(BlindTableTest, ReadConnectionsAreForgottenSomeTimeAfterTheirEnd) {
    options_.connections = 2;
    for (model::ConnectionId id = 1; id < 20; ++id) {
        table().read(connection(id, 5));
        table().closed(process_, id, now_);
        pass(minutes(1));
    }
    EXPECT_EQ(losses_.get(model::Loss::blind_limit), 0U);
}

TEST_F(BlindTableTest, WhatFindsNoRoomIsCountedAndNotJudged) {
    options_.connections = 2;
    for (std::uint64_t socket = 1; socket <= 3; ++socket)
        hello(socket);
    EXPECT_EQ(losses_.get(model::Loss::blind_limit), 1U);
    table().read(connection(9, 1));  // no room either: so nobody knows which of the others are read
    EXPECT_EQ(losses_.get(model::Loss::blind_limit), 2U);
    for (std::uint64_t socket = 1; socket <= 3; ++socket)
        data(socket);
    pass(seconds(10));
    EXPECT_THAT(blind(), IsEmpty());
    pass(minutes(1));
    hello(4);
    data(4);
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, WhereConnectionsAreLostNothingIsCertain) {
    hello(1);
    data(1);
    pass(seconds(5));
    losses_.add(model::Loss::ring_full);
    pass(seconds(5));
    EXPECT_THAT(blind(), IsEmpty());
    pass(minutes(1));
    hello(2);
    data(2);
    pass(seconds(10));
    EXPECT_THAT(blind(), ElementsAre("api.openai.com no_library 1"));
}

TEST_F(BlindTableTest, BlindSpotsAreBounded) {
    options_.processes = 2;
    options_.hosts = 1;
    for (process_.pid = 1; process_.pid <= 3; ++process_.pid) {
        hello(1);
        data(1);
        hello(2, "api.anthropic.com");
        data(2);
    }
    pass(seconds(10));
    EXPECT_EQ(blind().size(), 2U);
    EXPECT_EQ(losses_.get(model::Loss::blind_limit), 4U);
}

}  // namespace
}  // namespace llmsnoop::blind
