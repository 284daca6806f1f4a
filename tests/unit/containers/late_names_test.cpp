#include "agent/attribution/containers/late_names.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/attribution/bundles.h"
#include "agent/attribution/containers/engine_api.h"
#include "agent/attribution/process_table.h"
#include "agent/attribution/user_storage.h"
#include "tests/unit/containers/engine_server.h"

namespace llmsnoop::attribution {
namespace {

namespace fs = std::filesystem;
using MadeBy = CgroupNames::MadeBy;
using Outcome = EngineAnswer::Outcome;
using Write = EngineServer::Write;
using std::chrono::milliseconds;

const std::string kId = std::string(63, 'a') + "1";
const std::string kOther = std::string(63, 'b') + "2";

// Of an answer to GET /containers/ID/json what matters here, and some of what does not.
std::string inspected(const std::string& id, const std::string& name) {
    return R"({"Id":")" + id +
           R"(","Created":"2026-11-20T10:38:00.123456789Z","Path":"python3","Args":["app.py"],"State":{"Status":"running",)"
           R"("Running":true,"Pid":4711},"Image":"sha256:0123","Name":"/)" +
           name +
           R"(","RestartCount":0,"Driver":"overlay2","HostConfig":{"NetworkMode":"default"},"Config":{"Hostname":"h",)"
           R"("Env":["OPENAI_API_KEY=secret"],"Image":"registry.example/web:1","Labels":{"com.example.team":"x"}}})";
}

CgroupNames docker(const std::string& id) {
    return {id, "docker", "", MadeBy::system};
}

// Only a failure takes so long, on however slow a machine; and a test whose subject it is that time runs out, this.
constexpr milliseconds kPatience{60'000};
constexpr milliseconds kShort{300};

class LateNamesTest : public testing::Test {
 protected:
    LateNamesTest() {
        std::string name = (fs::temp_directory_path() / "lateXXXXXX").string();
        root_ = mkdtemp(name.data());
        fs::create_directories(root_ / "run/podman");
    }
    ~LateNamesTest() override { fs::remove_all(root_); }

    std::string socket() const { return root_ / "run/docker.sock"; }
    LateNames::Options options() const {
        LateNames::Options out;
        out.roots = {root_.string()};
        out.sockets = LateNames::usual_sockets();
        out.timeout = kPatience;
        out.again = milliseconds(1);
        return out;
    }
    // Each container is asked about once, however long the answer takes.
    LateNames::Options once() const {
        auto out = options();
        out.again = std::chrono::hours(1);
        return out;
    }
    template <typename Condition>
    static bool comes_about(Condition holds) {
        const auto until = std::chrono::steady_clock::now() + kPatience;
        while (std::chrono::steady_clock::now() < until) {
            if (holds()) return true;
            std::this_thread::sleep_for(milliseconds(2));
        }
        return false;
    }
    // Asks until there is an answer.
    static std::optional<BundleFacts> wait_for(LateNames& names, const CgroupNames& of) {
        std::optional<BundleFacts> facts;
        comes_about([&] { return (facts = names.find(of)).has_value(); });
        return facts;
    }
    EngineAnswer ask(const EngineServer::Answer& answer, milliseconds timeout = kPatience) const {
        const EngineServer server(socket(), answer);
        EXPECT_TRUE(server.ok());
        const std::atomic<bool> stop{false};
        return ask_engine(socket(), kId, timeout, stop);
    }
    EngineAnswer ask_for(const std::string& raw) const {
        return ask([&](const std::string&, const Write& write) { write(raw); });
    }

    fs::path root_;
};

TEST_F(LateNamesTest, AnEngineNamesItsContainers) {
    const EngineServer server(socket(), [](const std::string& target, const Write& write) {
        if (target == "/containers/" + kId + "/json")
            return (void)write(EngineServer::reply("200 OK", inspected(kId, "web")));
        write(EngineServer::reply("404 Not Found", R"({"message":"No such container: x"})"));
    });
    LateNames names(once());
    const auto facts = wait_for(names, docker(kId));
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"", "web", "registry.example/web:1", "", "", "", ""}));
    EXPECT_EQ(names.find(docker(kId)), facts);
    EXPECT_FALSE(names.find(docker(kOther)));
    EXPECT_TRUE(comes_about([&] { return server.asked().size() >= 2; }));
    EXPECT_FALSE(names.find(docker(kOther)));
    EXPECT_EQ(server.asked(),
              (std::vector<std::string>{"GET /containers/" + kId + "/json", "GET /containers/" + kOther + "/json"}))
        << "what is known is not asked for again";
}

// What it does not know it may know later.
TEST_F(LateNamesTest, AnEngineIsAskedAgainForWhatItDidNotKnow) {
    const EngineServer server(
        socket(), [](const std::string&, const Write& write) { write(EngineServer::reply("404 Not Found", "{}")); });
    LateNames names(options());
    EXPECT_TRUE(comes_about([&] {
        EXPECT_FALSE(names.find(docker(kId)));
        return server.asked().size() >= 2;
    }));
}

TEST_F(LateNamesTest, AnAnswerInChunksIsReadToo) {
    const std::string body = inspected(kId, "web");
    const auto answer = ask([&](const std::string&, const Write& write) {
        write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (const char byte : body)
            write(std::string("1\r\n") + byte + "\r\n");
        write("0\r\n\r\n");
    });
    EXPECT_EQ(answer.outcome, Outcome::named);
    EXPECT_EQ(answer.facts.name, "web");
}

TEST_F(LateNamesTest, OnlyTheContainerThatWasAskedForIsBelieved) {
    EXPECT_EQ(ask_for(EngineServer::reply("200 OK", inspected(kOther, "named-" + kId))).outcome, Outcome::unknown);
    EXPECT_EQ(ask_for(EngineServer::reply("200 OK", R"({"Name":"/web"})")).outcome, Outcome::unknown);
    EXPECT_EQ(ask_for(EngineServer::reply("200 OK", R"({"Id":["x"],"Name":"/web"})")).outcome, Outcome::unknown);
    EXPECT_EQ(ask_for(EngineServer::reply("404 Not Found", "{}")).outcome, Outcome::unknown);
}

TEST_F(LateNamesTest, BadAnswersAreNone) {
    EXPECT_EQ(ask_for(EngineServer::reply("500 Internal Server Error", inspected(kId, "web"))).outcome,
              Outcome::failed);
    EXPECT_EQ(ask_for("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n").outcome,
              Outcome::failed);
    EXPECT_EQ(ask_for("").outcome, Outcome::failed);
    EXPECT_EQ(ask_for("SSH-2.0-OpenSSH\r\n").outcome, Outcome::failed);
    EXPECT_EQ(ask_for("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").outcome, Outcome::failed);
    EXPECT_EQ(ask_for(EngineServer::reply("200 OK", std::string(1 << 20, '['))).outcome, Outcome::unknown);
    EXPECT_EQ(ask_for(EngineServer::reply("200 OK", "no json")).outcome, Outcome::unknown);
    const auto nameless =
        ask_for(EngineServer::reply("200 OK", R"({"Id":")" + kId + R"(","Name":7,"Config":{"Image":{},"Labels":[]}})"));
    EXPECT_EQ(nameless.outcome, Outcome::named);
    EXPECT_EQ(nameless.facts, BundleFacts());
    const auto huge = ask_for(EngineServer::reply("200 OK", inspected(kId, std::string(100'000, 'n'))));
    EXPECT_EQ(huge.facts.name, "") << "no name is that long";
}

TEST_F(LateNamesTest, AnswersWithoutEndAreCut) {
    bool gone = false;
    const auto endless = [&](const std::string& piece) {
        gone = false;
        return ask(
            [&](const std::string&, const Write& write) {
                if (piece[0] != 'X')
                    write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                else
                    write("HTTP/1.1 200 OK\r\n");
                while (write(piece)) {
                }
                gone = true;
            },
            kShort);
    };
    EXPECT_EQ(endless("10000\r\n" + std::string(0x10000, ' ') + "\r\n").outcome, Outcome::failed);
    EXPECT_TRUE(gone);
    EXPECT_EQ(endless("X: " + std::string(1000, 'x') + "\r\n").outcome, Outcome::failed);
    EXPECT_TRUE(gone);
    const auto dripping = [](const std::string&, const Write& write) {
        while (write(" "))
            std::this_thread::sleep_for(milliseconds(10));
    };
    EXPECT_EQ(ask(dripping, kShort).outcome, Outcome::failed);
}

// One that hangs holds up nobody but the thread that asks it, and is left alone for a while.
TEST_F(LateNamesTest, NobodyWaitsForAnEngineThatHangs) {
    std::atomic<bool> hang{true};
    EngineServer* self = nullptr;
    EngineServer server(socket(), [&](const std::string&, const Write& write) {
        while (hang.load() && !self->stopping())
            std::this_thread::sleep_for(milliseconds(1));
        write(EngineServer::reply("200 OK", inspected(kId, "web")));
    });
    self = &server;
    {
        auto hasty = options();
        hasty.timeout = kShort;
        LateNames names(hasty);
        for (int i = 0; i < 1000; ++i)
            EXPECT_FALSE(names.find(docker(std::string(60, 'c') + std::to_string(1000 + i))));
        EXPECT_FALSE(names.find(docker(kId)));
    }  // ends although a question is open
    EXPECT_LE(server.asked().size(), 2U) << "the questions that waited were not put to one that does not answer";
    hang.store(false);
    LateNames names(options());
    EXPECT_EQ(wait_for(names, docker(kId))->name, "web");
}

TEST_F(LateNamesTest, PodmanAnswersToo) {
    const EngineServer dockers(
        socket(), [](const std::string&, const Write& write) { write(EngineServer::reply("404 Not Found", "{}")); });
    const EngineServer podmans(root_ / "run/podman/podman.sock", [](const std::string&, const Write& write) {
        write(EngineServer::reply("200 OK", inspected(kId, "db")));
    });
    LateNames names(options());
    EXPECT_EQ(wait_for(names, {kId, "podman", "", MadeBy::system})->name, "db");
    EXPECT_EQ(wait_for(names, {kId, "", "", MadeBy::system})->name, "db");
}

TEST_F(LateNamesTest, OthersAreNotAskedAbout) {
    const EngineServer server(socket(), [](const std::string&, const Write& write) {
        write(EngineServer::reply("200 OK", inspected(kId, "web")));
    });
    LateNames names(once());
    EXPECT_FALSE(names.find({kOther, "containerd", "", MadeBy::system}));
    EXPECT_FALSE(names.find({kOther, "cri-o", "", MadeBy::system}));
    EXPECT_FALSE(names.find({kOther, "docker", "", MadeBy::container}));
    EXPECT_FALSE(names.find({kOther, "docker", "", MadeBy::user}));
    EXPECT_FALSE(names.find({kOther.substr(1), "docker", "", MadeBy::system}));
    EXPECT_FALSE(names.find({"../../../" + kOther.substr(9), "docker", "", MadeBy::system}));
    EXPECT_TRUE(wait_for(names, docker(kId)));  // questions are put in their order
    EXPECT_EQ(server.asked(), std::vector<std::string>{"GET /containers/" + kId + "/json"});
}

TEST_F(LateNamesTest, WhatIsNoSocketIsNotConnectedTo) {
    std::ofstream(socket()) << "text";
    ASSERT_EQ(mkfifo((root_ / "run/podman/podman.sock").c_str(), 0600), 0);
    LateNames names(options());
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(names.find(docker(kId)));
        std::this_thread::sleep_for(milliseconds(2));
    }
    fs::remove(socket());
    const EngineServer server(socket(), [](const std::string&, const Write& write) {
        write(EngineServer::reply("200 OK", inspected(kId, "web")));
    });
    EXPECT_EQ(wait_for(names, docker(kId))->name, "web") << "an engine that is started later";
}

TEST_F(LateNamesTest, TheRecordOfAProcessGetsTheNameThatComesLate) {
    std::atomic<bool> answer{false};
    EngineServer* self = nullptr;
    EngineServer server(socket(), [&](const std::string&, const Write& write) {
        while (!answer.load() && !self->stopping())
            std::this_thread::sleep_for(milliseconds(1));
        write(EngineServer::reply("200 OK", inspected(kId, "web")));
    });
    self = &server;
    LateNames names(options());
    Bundles bundles({root_.string()}, [&](const CgroupNames& of) { return names.find(of); });
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses, &bundles);
    model::Process process;
    process.key = {100, 5};
    process.cgroup = "/system.slice/docker-" + kId + ".scope";
    table.seen(process);
    model::Identity identity = *table.identity({100, 5});
    EXPECT_EQ(*identity.container, (model::Container{kId, "docker", "", ""}));
    answer.store(true);
    ASSERT_TRUE(wait_for(names, docker(kId)));
    table.complete(identity);
    EXPECT_EQ(*identity.container, (model::Container{kId, "docker", "web", "registry.example/web:1"}));
    table.complete(identity);
    EXPECT_EQ(identity.container->name, "web");
}

// Rootless Podman: the cgroup is in the user's slice, and the list in the user's home.
class UserStorageTest : public LateNamesTest {
 protected:
    UserStorageTest() {
        fs::create_directories(root_ / "etc");
        std::ofstream(root_ / "etc/passwd") << "root:x:0:0:root:/root:/bin/sh\nano:x:" << user_
                                            << ":1:,,,:/home/ano:\neve:x:4243:1::/home/ano:/bin/sh\n"
                                               "rel:x:4244:1::home/ano:\nshort:x:4245\n";
        fs::create_directories(root_ / kStorage);
        std::ofstream(root_ / kStorage / "containers.json")
            << R"([{"id":")" << kId << R"(","names":["mine"],"metadata":"{\"image-name\":\"img:1\"}"}])";
        if (user_ != getuid()) {
            EXPECT_EQ(chown((root_ / kStorage / "containers.json").c_str(), user_, static_cast<gid_t>(-1)), 0);
        }
    }
    static CgroupNames of_user(std::uint32_t user) {
        const std::string slice = "/user.slice/user-" + std::to_string(user) + ".slice/user@" + std::to_string(user);
        return *names_of_cgroup(slice + ".service/user.slice/libpod-" + kId + ".scope/container");
    }
    static constexpr const char* kStorage = "home/ano/.local/share/containers/storage/overlay-containers";
    const std::uint32_t user_ = getuid() == 0 ? 4242 : getuid();
};

TEST_F(UserStorageTest, AUsersContainersAreNamedByThatUser) {
    LateNames names(options());
    const auto facts = wait_for(names, of_user(user_));
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"podman", "mine", "img:1", "", "", "", ""}));
    EXPECT_FALSE(find_in_user_storage(root_, user_, kOther));
    EXPECT_FALSE(find_in_user_storage(root_, 4243, kId)) << "the list is somebody else's";
    EXPECT_FALSE(find_in_user_storage(root_, 4244, kId)) << "no absolute path";
    EXPECT_FALSE(find_in_user_storage(root_, 4245, kId)) << "no home";
    EXPECT_FALSE(find_in_user_storage(root_, 4246, kId)) << "no such user";
    EXPECT_FALSE(find_in_user_storage("/nowhere", user_, kId));
}

// A user may call a cgroup as somebody else's container is called.
TEST_F(UserStorageTest, OneUsersWordIsNotAnothersName) {
    LateNames names(options());
    ASSERT_TRUE(wait_for(names, of_user(user_)));
    EXPECT_FALSE(names.find(of_user(4243)));
    EXPECT_FALSE(names.find({kId, "podman", "", MadeBy::system}));
}

TEST(UserSliceTest, TheUserIsThatOfTheOutermostSlice) {
    const auto of = [](const std::string& path) { return names_of_cgroup(path + "/libpod-" + kId + ".scope")->user; };
    EXPECT_EQ(of("/user.slice/user-1000.slice/user@1000.service"), 1000U);
    EXPECT_EQ(of("/user.slice/user-1000.slice/user@1000.service/user.slice/user-0.slice"), 1000U);
    EXPECT_EQ(of("/user.slice/user-.slice"), std::nullopt);
    EXPECT_EQ(of("/user.slice/user-99999999999.slice"), std::nullopt);
    EXPECT_EQ(of("/user.slice/user-1x.slice/user.slice/user-0.slice"), std::nullopt);
    EXPECT_EQ(of("/machine.slice"), std::nullopt);
}

}  // namespace
}  // namespace llmsnoop::attribution
