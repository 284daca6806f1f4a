#pragma once
// Capture events of every kind with random but valid values in every field, extremes included.
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "tests/support/event_text.h"

namespace llmsnoop::support {

class RandomEvents {
 public:
    explicit RandomEvents(unsigned seed) : random_(seed) {}

    // Valid until the next call.
    const OwnedEvent& next() {
        payload_.clear();
        switch (pick(9)) {
            case 0:
                event_ = chunk();
                break;
            case 1:
                event_ = opened();
                break;
            case 2:
                event_ = model::ConnectionAddressed{number(), maybe([&] { return endpoint(); }),
                                                    maybe([&] { return endpoint(); })};
                break;
            case 3:
                event_ = model::ConnectionNamed{number(), text(300)};
                break;
            case 4:
                event_ = model::DirectionEnded{number(), direction(), time(), offset()};
                break;
            case 5:
                event_ = model::ConnectionClosed{number(), time(), static_cast<model::ConnectionClosed::How>(pick(4)),
                                                 maybe([&] { return offset(); }), maybe([&] { return offset(); })};
                break;
            case 6:
                event_ = model::ProcessSeen{time(), process()};
                break;
            case 7:
                event_ = unprobed_tls();
                break;
            default:
                event_ = model::ProcessEnded{time(), key(), static_cast<model::ProcessEnded::How>(pick(2))};
                break;
        }
        owned_.emplace(event_);
        return *owned_;
    }

    // The event of `next` as a source would deliver it, with its bytes borrowed.
    const model::CaptureEvent& borrowed() const { return event_; }

    base::Time time() {
        const auto ns = static_cast<std::int64_t>(number() >> 2);  // 2^62 either way is what a tape holds
        return base::time_from_unix_ns(pick(4) == 0 ? -ns : ns);
    }

 private:
    unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

    // Of all sizes: as many small numbers as large ones.
    std::uint64_t number() {
        const std::uint64_t value = std::uint64_t{random_()} << 32 | random_();
        return pick(20) == 0 ? UINT64_MAX : value >> pick(64);
    }
    std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
    std::uint64_t offset() { return number() >> 1; }

    std::string text(unsigned most) {
        std::string out(pick(most), '\0');
        for (char& c : out)
            c = static_cast<char>(random_());
        return out;
    }

    template <typename Make>
    auto maybe(Make make) -> std::optional<decltype(make())> {
        if (pick(2) == 0) return std::nullopt;
        return make();
    }

    model::Direction direction() { return static_cast<model::Direction>(pick(2)); }
    model::ProcessKey key() { return {small(), number()}; }

    model::Endpoint endpoint() {
        model::Endpoint out;
        out.address.family = static_cast<model::Address::Family>(pick(2));
        const std::size_t size = out.address.family == model::Address::Family::ipv4 ? 4 : 16;
        for (std::size_t i = 0; i < size; ++i)
            out.address.bytes[i] = static_cast<std::uint8_t>(random_());
        out.port = static_cast<std::uint16_t>(random_());
        return out;
    }

    model::Process process() {
        model::Process out;
        out.key = key();
        out.ppid = maybe([&] { return small(); });
        out.comm = text(16);
        out.exe = text(200);
        out.uid = maybe([&] { return small(); });
        out.start_time = maybe([&] { return time(); });
        out.cgroup = text(200);
        out.cgroup_id = maybe([&] { return number(); });
        out.args_sha256 = text(65);
        return out;
    }

    model::ConnectionOpened opened() {
        model::ConnectionOpened out;
        out.id = number();
        out.time = time();
        out.process = maybe([&] { return key(); });
        out.transport = static_cast<model::Transport>(pick(2));
        out.library = static_cast<model::Library>(pick(6));
        out.viewpoint = static_cast<model::Viewpoint>(pick(2));
        out.ordering = static_cast<model::Ordering>(pick(2));
        out.from_start = pick(2) == 0;
        out.local = maybe([&] { return endpoint(); });
        out.peer = maybe([&] { return endpoint(); });
        return out;
    }

    model::UnprobedTls unprobed_tls() {
        model::UnprobedTls out;
        out.process = key();
        out.time = time();
        out.socket = number();
        out.what = static_cast<model::UnprobedTls::What>(pick(2));
        out.local = maybe([&] { return endpoint(); });
        out.peer = maybe([&] { return endpoint(); });
        out.server_name = text(300);
        return out;
    }

    model::Chunk chunk() {
        payload_ = text(pick(20) == 0 ? 100'000 : 300);
        model::Chunk out;
        out.connection = number();
        out.direction = direction();
        out.offset = offset();
        out.time = time();
        out.length = payload_.size();
        if (pick(4) == 0) out.length += number() >> 2;
        if (out.length > (std::uint64_t{1} << 63) - out.offset) out.offset = 0;
        // Any that a source may name; a reader adds it to its own losses.
        constexpr std::array kReasons{model::Loss::user_page_unreadable, model::Loss::call_limit,
                                      model::Loss::packet_truncated};
        if (pick(4) == 0) out.missing = kReasons[pick(kReasons.size())];
        out.bytes = base::as_bytes(payload_);
        return out;
    }

    std::mt19937 random_;
    std::string payload_;
    model::CaptureEvent event_;
    std::optional<OwnedEvent> owned_;
};

}  // namespace llmsnoop::support
