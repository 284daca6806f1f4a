#include "exporters/web/front.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/fd.h"
#include "exporters/signals_blocked.h"

namespace llmsnoop::exporters {

namespace {

using base::Fd;
using Stage = FrontConnection::Stage;
using Clock = FrontConnection::Clock;

constexpr int kBacklog = 512;
constexpr int kAcceptsATurn = 64;
constexpr int kSlowPart = 10;  // of the timeout: who takes nothing for so long can lose the place to who waits so long
// Of the kernel, which doubles it, and says that there is room again when a third has been taken: what counts as slow
// depends on it.
constexpr int kSendBuffer = 32 << 10;
constexpr auto kAfterFailure = std::chrono::milliseconds(20);  // such as EMFILE, which lasts

// IPv4 addresses, and networks of IPv6: who has one address of a /64 has them all.
std::uint64_t peer_of(const sockaddr_storage& address) {
    // No network of IPv6 begins so: those are multicast (RFC 4291 section 2.7).
    std::array<std::uint8_t, 8> key{0xff};
    const auto set_ipv4 = [&key](const void* bytes) { std::memcpy(key.data() + 4, bytes, 4); };
    if (address.ss_family == AF_INET) {
        set_ipv4(&reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr);
    } else if (address.ss_family == AF_INET6) {
        const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6)) {
            set_ipv4(v6.s6_addr + 12);
        } else {
            std::memcpy(key.data(), v6.s6_addr, key.size());
        }
    }
    return std::bit_cast<std::uint64_t>(key);
}

}  // namespace

struct Front::State {
    Options options;
    FrontConnection::Options connection_options;
    SslContext context;
    Fd listener;
    Fd stop;  // an eventfd that becomes readable when all shall end
    std::uint16_t port = 0;
    std::thread thread;
    // Of the thread, in the order in which they came.
    std::vector<std::unique_ptr<FrontConnection>> all;
    Clock::time_point again;  // after a failure: not to spin

    void run();
    bool wait();
    void expire();
    void pass_on();
    void accept();
    bool displace_for(const FrontConnection& next, const std::map<std::uint64_t, std::size_t>& of_peer);
    void make_room();
    Fd connect_behind() const;
    std::size_t count(Stage stage) const {
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& one) { return one->stage() == stage; }));
    }
    bool asked_to_stop() const {
        pollfd one{stop.get(), POLLIN, 0};
        return ::poll(&one, 1, 0) > 0;
    }
    bool is_full() const { return all.size() >= options.requests + options.others; }
    bool can_make_room() const { return count(Stage::relay) < all.size(); }
    void sweep() {
        std::erase_if(all, [](const auto& one) { return one->stage() == Stage::over; });
    }
};

void Front::State::run() {
    while (true) {
        expire();
        sweep();
        pass_on();
        sweep();
        if (!wait()) break;
    }
    all.clear();
}

void Front::State::expire() {
    const auto now = Clock::now();
    for (const auto& one : all) {
        if (one->stage() != Stage::over && one->deadline() && *one->deadline() <= now) one->expire();
    }
}

Fd Front::State::connect_behind() const {
    Fd server(::socket(options.behind.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!server) return server;
    // Until it is connected, reading and writing say "not yet".
    if (::connect(server.get(), options.behind.get(), options.behind.size) != 0 && errno != EINPROGRESS) server.reset();
    return server;
}

// All are being answered, and the next one has waited for a while. Who takes nothing of an answer meanwhile, and is of
// an address for which more are being answered, gives its place up: else a few could keep all of them as they like.
bool Front::State::displace_for(const FrontConnection& next, const std::map<std::uint64_t, std::size_t>& of_peer) {
    const auto since = Clock::now() - options.timeout / kSlowPart;
    if (!next.waits(since)) return false;
    FrontConnection* slow = nullptr;
    for (const auto& one : all) {
        if (!one->takes_slowly(since)) continue;
        if (slow == nullptr || of_peer.at(one->peer()) > of_peer.at(slow->peer())) slow = one.get();
    }
    if (slow == nullptr || of_peer.at(slow->peer()) <= of_peer.at(next.peer())) return false;
    slow->refuse(Refusal::slow_reader);
    return true;
}

// The next one is of the address for which the fewest are being answered, and among those the oldest. A short answer
// may be through within advance().
void Front::State::pass_on() {
    while (Clock::now() >= again) {
        std::map<std::uint64_t, std::size_t> of_peer;
        for (const auto& one : all)
            of_peer[one->peer()] += one->stage() == Stage::relay ? 1U : 0U;
        FrontConnection* next = nullptr;
        for (const auto& one : all) {
            if (one->stage() != Stage::waiting) continue;
            if (next == nullptr || of_peer[one->peer()] < of_peer[next->peer()]) next = one.get();
        }
        if (next == nullptr) return;
        if (count(Stage::relay) >= options.requests && !displace_for(*next, of_peer)) return;
        Fd server = connect_behind();
        if (!server) {
            again = Clock::now() + kAfterFailure;
            return;
        }
        next->serve(std::move(server));
        next->advance();
    }
}

// False: all shall end.
bool Front::State::wait() {
    const auto now = Clock::now();
    const bool accepting = now >= again && (!is_full() || can_make_room());
    std::optional<Clock::time_point> until;
    const auto earlier = [&](Clock::time_point time) { until = until ? std::min(*until, time) : time; };
    if (now < again) earlier(again);
    std::vector<std::size_t> servers;  // for each connection, where its server is in `polled`; 0: nowhere
    std::vector<pollfd> polled{{stop.get(), POLLIN, 0}, {accepting ? listener.get() : -1, POLLIN, 0}};
    for (const auto& one : all) {
        if (one->has_more_to_do()) earlier(now);
        if (one->deadline()) earlier(*one->deadline());
        if (one->stage() == Stage::waiting) earlier(now + options.timeout / kSlowPart);
        // The client's hanging up is seen even if nothing is wanted from it.
        polled.push_back({one->client_fd(), one->client_events(), 0});
        servers.push_back(one->server_events() != 0 ? polled.size() : 0);
        if (servers.back() != 0) polled.push_back({one->server_fd(), one->server_events(), 0});
    }
    int patience = -1;
    if (until) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now).count();
        patience = static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
    }
    if (::poll(polled.data(), polled.size(), patience) < 0) {
        // No memory, or more descriptors than may be polled (EINVAL): there will be fewer, by their deadlines.
        if (errno != EINTR) std::this_thread::sleep_for(kAfterFailure);
        return !asked_to_stop();
    }
    if (polled[0].revents != 0) return false;
    std::size_t client_at = 2;
    for (std::size_t i = 0; i < all.size(); ++i) {
        FrontConnection& one = *all[i];
        const short client = polled[client_at].revents;
        const short server = servers[i] != 0 ? polled[servers[i]].revents : short{0};
        client_at += servers[i] != 0 ? 2 : 1;
        if (client == 0 && server == 0 && !one.has_more_to_do()) continue;
        one.advance();
        // Nothing was wanted from the client, and it is gone.
        const bool gone = (client & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        if (gone && one.stage() != Stage::over && one.client_events() == 0) one.end();
    }
    if ((polled[1].revents & POLLIN) != 0) accept();
    return true;
}

// Those who have had their answer go first, those who have asked go last.
void Front::State::make_room() {
    std::map<std::uint64_t, std::size_t> of_peer;
    for (const auto& one : all)
        of_peer[one->peer()] += one->stage() == Stage::relay ? 0U : 1U;
    const auto rank = [&](const FrontConnection& one) {
        const int stage = one.stage() == Stage::farewell ? 2 : one.stage() == Stage::waiting ? 0 : 1;
        return std::pair(of_peer[one.peer()], stage);
    };
    FrontConnection* first = nullptr;
    for (const auto& one : all) {
        if (one->stage() == Stage::relay) continue;
        if (first == nullptr || rank(*one) > rank(*first)) first = one.get();
    }
    if (first == nullptr) return;
    if (first->stage() == Stage::farewell) {
        first->end();
    } else {
        first->refuse(first->stage() == Stage::waiting ? Refusal::busy : Refusal::crowded);
    }
}

void Front::State::accept() {
    for (int i = 0; i < kAcceptsATurn; ++i) {
        sweep();
        if (is_full() && !can_make_room()) return;
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        Fd client(
            ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client) {
            const int why = errno;
            // Without descriptors for more it is as full as it can be.
            if (why == EMFILE || why == ENFILE) make_room();
            if (why != EAGAIN && why != ECONNABORTED && why != EINTR) again = Clock::now() + kAfterFailure;
            return;
        }
        if (is_full()) make_room();
        const int bytes = kSendBuffer;
        ::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        all.push_back(std::make_unique<FrontConnection>(Channel(std::move(client), context.get()), peer_of(address),
                                                        connection_options));
        all.back()->advance();
    }
}

Front::Front(std::unique_ptr<State> state) : state_(std::move(state)) {}

Front::~Front() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t told = ::write(state_->stop.get(), &one, sizeof one);
    state_->thread.join();
}

base::Result<std::unique_ptr<Front>> Front::start(Options options) {
    auto state = std::make_unique<State>();
    state->options = std::move(options);
    const Options& wanted = state->options;
    state->connection_options = {wanted.timeout, wanted.answers, wanted.refusals.get()};
    if (wanted.tls) {
        auto context = tls_context(wanted.name, *wanted.tls);
        if (!context) return context.error();
        state->context = std::move(*context);
    }
    const ListenAddress& address = wanted.address;
    state->listener = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(state->listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(state->listener.get(), address.get(), address.size) != 0 ||
        ::listen(state->listener.get(), kBacklog) != 0)
        return base::system_error(wanted.name + ": cannot listen on " + wanted.address_text);
    ListenAddress bound = address;
    if (::getsockname(state->listener.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) == 0)
        state->port = bound.port();
    state->stop = Fd(::eventfd(0, EFD_CLOEXEC));
    if (!state->stop) return base::system_error(wanted.name + ": eventfd");
    const SignalsBlocked blocked;
    state->thread = std::thread([running = state.get()] { running->run(); });
    return std::unique_ptr<Front>(new Front(std::move(state)));
}

std::uint16_t Front::port() const {
    return state_->port;
}

}  // namespace llmsnoop::exporters
