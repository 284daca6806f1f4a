// Metrics as OpenMetrics, and as they are served.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <thread>

#include "agent/base/fd.h"
#include "exporters/prometheus/metrics_server.h"
#include "exporters/prometheus/open_metrics.h"
#include "tests/unit/exporters/metrics_fixture.h"

namespace llmsnoop::exporters {
namespace {

using testing::HasSubstr;

TEST(OpenMetrics, WritesWhatTheSpecificationWants) {
    model::LossCounters losses;
    Metrics metrics({}, losses);
    model::Exchange exchange = chat_exchange("a\"b\\c", "m", 3, 1);
    metrics.exchange(exchange);
    const std::string text = open_metrics_text(metrics.Collect());
    EXPECT_THAT(text, HasSubstr("# TYPE llmsnoop_tokens counter\n# HELP llmsnoop_tokens "));
    EXPECT_THAT(text,
                HasSubstr(R"(llmsnoop_tokens_total{namespace="",pod="",container="",workload="",process="a\"b\\c",)"));
    EXPECT_THAT(text, HasSubstr(R"(type="input",source="reported"} 3)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="5.0"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="0.25"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="+Inf"} 1)"));
    EXPECT_THAT(text, HasSubstr("\nprocess_max_fds "));
    EXPECT_TRUE(text.ends_with("\n# EOF\n"));
    EXPECT_EQ(text.find("\n\n"), std::string::npos);
}

TEST(OpenMetrics, IsServedToThoseWhoWantIt) {
    EXPECT_FALSE(prefers_open_metrics(nullptr));
    EXPECT_FALSE(prefers_open_metrics(""));
    EXPECT_FALSE(prefers_open_metrics("*/*"));
    EXPECT_FALSE(prefers_open_metrics("text/plain;version=0.0.4"));
    EXPECT_TRUE(prefers_open_metrics("application/openmetrics-text"));
    // What Prometheus 2.42 sends.
    EXPECT_TRUE(
        prefers_open_metrics("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                             "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0.4, text/plain;q=0.5"));
    EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0"));
    EXPECT_FALSE(prefers_open_metrics(";;,,q=,=;"));
}

class MetricsServerTest : public MetricsTest {
 protected:
    std::unique_ptr<MetricsServer> serve(const std::string& address) {
        metrics();
        auto server = MetricsServer::start(address, metrics_);
        if (!server) ADD_FAILURE() << server.error().message;
        return server ? std::move(*server) : nullptr;
    }

    static std::string ask(std::uint16_t port, const std::string& request) {
        const base::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "no connection";
        const std::string text = request + "Host: x\r\nConnection: close\r\n\r\n";
        if (::send(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return "not sent";
        std::string answer;
        char buffer[8192];
        for (ssize_t got; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
            answer.append(buffer, static_cast<std::size_t>(got));
        }
        return answer;
    }
};

TEST_F(MetricsServerTest, ServesBothTexts) {
    const auto server = serve("127.0.0.1:0");
    ASSERT_NE(server->port(), 0);
    const std::string plain = ask(server->port(), "GET /metrics HTTP/1.1\r\n");
    EXPECT_THAT(plain, testing::StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    EXPECT_THAT(plain, HasSubstr("\n# TYPE llmsnoop_lost_total counter\n"));
    const std::string open =
        ask(server->port(), "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0\r\n");
    EXPECT_THAT(open, HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0"));
    EXPECT_TRUE(open.ends_with("# EOF\n"));
}

TEST_F(MetricsServerTest, RefusesEverythingElse) {
    const auto server = serve("127.0.0.1:0");
    EXPECT_THAT(ask(server->port(), "GET / HTTP/1.1\r\n"), testing::StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask(server->port(), "GET /metrics/x HTTP/1.1\r\n"), testing::StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask(server->port(), "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n"),
                testing::StartsWith("HTTP/1.1 405"));
    const std::string head = ask(server->port(), "HEAD /metrics HTTP/1.1\r\n");
    EXPECT_THAT(head, testing::StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(MetricsServerTest, SaysWhyItCannotListen) {
    const auto server = serve("127.0.0.1:0");
    const std::string address = "127.0.0.1:" + std::to_string(server->port());
    const auto taken = MetricsServer::start(address, metrics_);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr(address));
    EXPECT_THAT(taken.error().message, HasSubstr("Address already in use"));
    for (const char* wrong : {"", "9464", "localhost:9464", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:9464s",
                              "::1:9464", "[::1]", "127.0.0.1:9464,0.0.0.0:1", "[x]:1"}) {
        const auto refused = MetricsServer::start(wrong, metrics_);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().kind, base::Error::Kind::usage) << wrong;
    }
}

TEST_F(MetricsServerTest, IsScrapedWhileExchangesArrive) {
    const auto server = serve("127.0.0.1:0");
    std::thread scraper([&] {
        for (int i = 0; i < 20; ++i)
            EXPECT_THAT(ask(server->port(), "GET /metrics HTTP/1.1\r\n"), HasSubstr("200 OK"));
    });
    for (int i = 0; i < 20'000; ++i)
        metrics().exchange(chat_exchange("app", "m" + std::to_string(i % 50), 1, 2));
    scraper.join();
}

}  // namespace
}  // namespace llmsnoop::exporters
