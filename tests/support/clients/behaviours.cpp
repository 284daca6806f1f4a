#include "tests/support/clients/behaviours.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <vector>

#include "tests/support/clients/exchange.h"
#include "tests/support/net/append.h"

namespace llmsnoop::support {
namespace {

using TransportPtr = std::unique_ptr<Transport>;

// Unlike any other request's mark, in this process or another.
std::string mark_of(unsigned connection, unsigned exchange) {
    std::string mark;
    append(mark, "#", getpid(), ".", connection, ".", exchange, " ");
    return mark;
}

std::uint64_t seed_of(unsigned connection, unsigned exchange) {
    return std::uint64_t{connection} << 32 | exchange;
}

void print(const ExchangeReport& report) {
    std::puts(to_json_line(report).c_str());
    std::fflush(stdout);
}

void print_ready() {
    std::printf("READY %d\n", getpid());
    std::fflush(stdout);
}

TransportPtr connect(const TlsClient& client, const ClientOptions& options) {
    auto transport = Transport::connect(client, options.transport);
    if (transport) return std::move(*transport);
    std::fprintf(stderr, "ssl_client: %s\n", transport.error().message.c_str());
    return nullptr;
}

// What stays between the exchanges of one connection.
struct Line {
    TransportPtr transport;
    unsigned number = 0;
    std::string early;  // bytes of the next answer
};

std::unique_ptr<Exchange> prepare(Line& line, const ClientOptions& options, unsigned exchange) {
    return std::make_unique<Exchange>(*line.transport, options.plan, mark_of(line.number, exchange),
                                      seed_of(line.number, exchange), options.write_size);
}

bool run_pipeline(Line& line, const ClientOptions& options) {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    for (unsigned i = 1; i <= options.exchanges; ++i) {
        exchanges.push_back(prepare(line, options, i));
        if (!exchanges.back()->send()) return false;
    }
    bool good = true;
    for (unsigned i = 1; i <= options.exchanges; ++i) {
        good = exchanges[i - 1]->receive_all(line.early) && good;
        print(exchanges[i - 1]->report(line.number, i));
    }
    return good;
}

bool run_in_turn(Line& line, const TlsClient& client, const ClientOptions& options) {
    bool good = true;
    for (unsigned i = 1; i <= options.exchanges; ++i) {
        const auto exchange = prepare(line, options, i);
        good = exchange->send() && exchange->receive_all(line.early) && good;
        print(exchange->report(line.number, i));
        if (options.leave_at_once && i == options.exchanges) _exit(good ? 0 : 1);
        if (options.hold && line.number == 1 && i == 1) {
            print_ready();
            std::string go;
            std::getline(std::cin, go);
        }
        if (i < options.exchanges && (!exchange->response().whole() || exchange->response().closes())) {
            line.early.clear();
            line.transport = connect(client, options);
            if (!line.transport) return false;
        }
    }
    return good;
}

}  // namespace

int play_sequence(const TlsClient& client, const ClientOptions& options) {
    bool good = true;
    for (unsigned number = 1; number <= options.connections; ++number) {
        Line line{connect(client, options), number, {}};
        if (!line.transport) return 1;
        good = (options.pipeline ? run_pipeline(line, options) : run_in_turn(line, client, options)) && good;
        if (line.transport) line.transport->shutdown();
    }
    return good ? 0 : 1;
}

int play_interleave(const TlsClient& client, const ClientOptions& options) {
    std::array<Line, 2> lines{Line{connect(client, options), 1, {}}, Line{connect(client, options), 2, {}}};
    if (!lines[0].transport || !lines[1].transport) return 1;
    bool good = true;
    for (unsigned i = 1; i <= options.exchanges; ++i) {
        std::array<std::unique_ptr<Exchange>, 2> exchanges;
        for (std::size_t k = 0; k < lines.size(); ++k) {
            exchanges[k] = prepare(lines[k], options, i);
            good = exchanges[k]->send() && good;
        }
        std::array<bool, 2> more{true, true};
        while (more[0] || more[1])
            for (std::size_t k = 0; k < lines.size(); ++k)
                if (more[k]) more[k] = exchanges[k]->receive_some(lines[k].early);
        for (std::size_t k = 0; k < lines.size(); ++k) {
            good = exchanges[k]->response().whole() && good;
            print(exchanges[k]->report(lines[k].number, i));
        }
    }
    for (Line& line : lines)
        line.transport->shutdown();
    return good ? 0 : 1;
}

int play_die_mid_stream(const TlsClient& client, const ClientOptions& options) {
    Line line{connect(client, options), 1, {}};
    if (!line.transport) return 1;
    for (unsigned i = 1; i < options.exchanges; ++i) {
        const auto exchange = prepare(line, options, i);
        if (!exchange->send() || !exchange->receive_all(line.early)) return 1;
        print(exchange->report(line.number, i));
    }
    const auto exchange = prepare(line, options, options.exchanges);
    if (!exchange->send()) return 1;
    for (unsigned i = 0; i < options.die_after_reads; ++i)
        if (!exchange->receive_some(line.early)) return 1;
    print(exchange->report(line.number, options.exchanges));
    print_ready();
    for (;;)
        pause();
}

}  // namespace llmsnoop::support
