#include "agent/capture/script_parser.h"

#include <algorithm>

#include "agent/capture/script_file.h"
#include "agent/capture/script_values.h"
#include "agent/capture/tape_codec.h"

namespace llmsnoop::capture {

namespace {

using base::error;
using model::ConnectionClosed;
using model::Direction;
using model::Library;

// More than any test needs; a slip of the finger must not fill the memory.
constexpr std::size_t kEvents = 4'000'000;
constexpr std::size_t kPayload = 512U << 20;
constexpr std::uint64_t kStream = std::uint64_t{1} << 61;
constexpr base::Duration kReach = std::chrono::hours(24 * 365 * 50);

template <typename Value>
struct Named {
    std::string_view name;
    Value value;
};

constexpr Named<Library> kLibraries[] = {
    {"none", Library::none},     {"openssl", Library::openssl}, {"boringssl", Library::boringssl},
    {"gnutls", Library::gnutls}, {"go", Library::go},           {"rustls", Library::rustls},
};

constexpr Named<ConnectionClosed::How> kHowClosed[] = {
    {"orderly", ConnectionClosed::How::orderly},
    {"reset", ConnectionClosed::How::reset},
    {"process_ended", ConnectionClosed::How::process_ended},
    {"source_ended", ConnectionClosed::How::source_ended},
    {"released", ConnectionClosed::How::released},
};

constexpr Named<std::string model::Process::*> kProcessTexts[] = {
    {"comm", &model::Process::comm},
    {"exe", &model::Process::exe},
    {"cgroup", &model::Process::cgroup},
    {"args_sha256", &model::Process::args_sha256},
};

constexpr Named<std::optional<std::uint32_t> model::Process::*> kProcessNumbers[] = {
    {"uid", &model::Process::uid},
    {"ppid", &model::Process::ppid},
};

template <typename Value, std::size_t kSize>
std::optional<Value> find(std::string_view name, const Named<Value> (&table)[kSize]) {
    for (const auto& one : table) {
        if (one.name == name) return one.value;
    }
    return std::nullopt;
}

// "key=value": the value, if the word has this key.
std::optional<std::string> value_of(const std::string& word, std::string_view key) {
    if (word.size() <= key.size() || !word.starts_with(key) || word[key.size()] != '=') return std::nullopt;
    return word.substr(key.size() + 1);
}

base::Error unexpected(const ScriptWord& word) {
    return error("did not expect \"" + word.text + "\" here");
}

}  // namespace

base::Result<void> ScriptParser::statement(const std::vector<ScriptWord>& words) {
    Words rest = words;
    std::uint64_t count = 1;
    if (rest[0].text == "repeat") {
        if (rest.size() < 3) return error("\"repeat\" needs a count and a statement");
        const auto times = script_number(rest[1].text);
        if (!times) return times.error();
        if (*times > kEvents) return error("the script makes too many events");
        count = *times;
        rest = rest.subspan(2);
    }
    for (; count > 0; --count) {
        if (auto result = once(rest); !result) return result;
        if (script_.events.size() > kEvents) return error("the script makes too many events");
    }
    return {};
}

base::Result<void> ScriptParser::once(Words words) {
    struct Verb {
        std::string_view name;
        std::size_t least;  // words, with the verb itself
        base::Result<void> (ScriptParser::*run)(Words);
    };
    static constexpr Verb kVerbs[] = {
        {">>", 3, &ScriptParser::bytes},
        {"<<", 3, &ScriptParser::bytes},
        {"at", 2, &ScriptParser::clock},
        {"after", 2, &ScriptParser::clock},
        {"pieces", 2, &ScriptParser::clock},
        {"process", 2, &ScriptParser::process},
        {"exit", 2, &ScriptParser::process_ended},
        {"exec", 2, &ScriptParser::process_ended},
        {"open", 2, &ScriptParser::open},
        {"unannounced", 2, &ScriptParser::open},
        {"address", 4, &ScriptParser::address},
        {"name", 3, &ScriptParser::name},
        {"gap", 4, &ScriptParser::gap},
        {"end", 3, &ScriptParser::end},
        {"close", 2, &ScriptParser::close},
        {"unprobed", 4, &ScriptParser::unprobed},
    };
    for (const Verb& verb : kVerbs) {
        if (words[0].kind != ScriptWord::Kind::plain || verb.name != words[0].text) continue;
        if (words.size() < verb.least) return error("\"" + words[0].text + "\" needs more than that");
        return (this->*verb.run)(words);
    }
    return error("no statement begins with \"" + words[0].text + "\"");
}

base::Result<void> ScriptParser::clock(Words words) {
    if (words.size() > 2) return unexpected(words[2]);
    if (words[0].text == "pieces") {
        const auto count = script_number(words[1].text);
        if (!count) return count.error();
        cut_ = static_cast<std::size_t>(*count);
        return {};
    }
    const auto moved = script_duration(words[1].text);
    if (!moved) return moved.error();
    now_ = (words[0].text == "at" ? start_ : now_) + *moved;
    if (now_ < start_ - kReach || now_ > start_ + kReach) return error("the clock has left this century");
    return {};
}

base::Result<void> ScriptParser::process(Words words) {
    const auto id = script_id(words[1].text);
    if (!id) return id.error();
    model::ProcessSeen event;
    event.time = now_;
    model::Process& process = event.process;
    process.key.pid = *id;
    for (const ScriptWord& word : words.subspan(2)) {
        const std::size_t equals = std::min(word.text.find('='), word.text.size() - 1);
        const std::string key = word.text.substr(0, equals);
        const std::string value = word.text.substr(equals + 1);
        if (const auto text = find(key, kProcessTexts)) {
            process.*(*text) = value;
        } else if (const auto small = find(key, kProcessNumbers)) {
            const auto known = script_id(value);
            if (!known) return known.error();
            process.*(*small) = *known;
        } else if (key == "start" || key == "cgroup_id") {
            const auto known = script_number(value);
            if (!known) return known.error();
            if (key == "start") process.key.start_boot_ns = *known;
            if (key == "cgroup_id") process.cgroup_id = *known;
        } else if (key == "started") {
            const auto since = script_duration(value);
            if (!since) return since.error();
            process.start_time = start_ + *since;
        } else {
            return unexpected(word);
        }
    }
    processes_[*id] = process.key;
    emit(std::move(event));
    return {};
}

base::Result<void> ScriptParser::process_ended(Words words) {
    const auto id = script_id(words[1].text);
    if (!id) return id.error();
    if (words.size() > 2) return unexpected(words[2]);
    const auto found = processes_.find(*id);
    if (found == processes_.end()) return error("process " + words[1].text + " was not introduced");
    const auto how = words[0].text == "exit" ? model::ProcessEnded::How::exited : model::ProcessEnded::How::executed;
    emit(model::ProcessEnded{now_, found->second, how});
    return {};
}

// Understands "local ADDRESS" and "peer ADDRESS" at words[at] and moves `at` behind it.
base::Result<void> ScriptParser::endpoints(Words words, std::size_t& at, std::optional<model::Endpoint>& local,
                                           std::optional<model::Endpoint>& peer) const {
    if (words[at].text != "local" && words[at].text != "peer") return unexpected(words[at]);
    if (at + 1 == words.size()) return error("\"" + words[at].text + "\" needs an address");
    const auto endpoint = script_endpoint(words[at + 1].text);
    if (!endpoint) return endpoint.error();
    (words[at].text == "local" ? local : peer) = *endpoint;
    at += 2;
    return {};
}

base::Result<void> ScriptParser::open(Words words) {
    const auto id = script_number(words[1].text);
    if (!id) return id.error();
    if (const auto found = connections_.find(*id); found != connections_.end()) {
        return error("connection " + words[1].text + " was opened before");
    }
    Connection connection;
    model::ConnectionOpened event;
    event.id = *id;
    event.time = now_;
    for (std::size_t at = 2; at < words.size();) {
        const std::string& word = words[at].text;
        if (const auto library = find(word, kLibraries)) {
            event.library = *library;
            event.transport = *library == Library::none ? model::Transport::plain : model::Transport::tls;
        } else if (word == "client" || word == "server") {
            connection.observed_is_client = word == "client";
        } else if (word == "from_start" || word == "joined") {
            event.from_start = word == "from_start";
        } else if (word == "may_reorder") {
            event.ordering = model::Ordering::may_reorder;
        } else if (word == "wire") {
            event.ordering = model::Ordering::may_reorder;
            event.viewpoint = model::Viewpoint::wire;
        } else if (const auto process = value_of(word, "pid")) {
            const auto key = script_id(*process);
            if (!key) return key.error();
            const auto found = processes_.find(*key);
            if (found == processes_.end()) return error("process " + *process + " was not introduced");
            event.process = found->second;
        } else {
            if (auto result = endpoints(words, at, event.local, event.peer); !result) return result;
            continue;
        }
        ++at;
    }
    connections_[*id] = connection;
    if (words[0].text == "open") emit(event);
    return {};
}

base::Result<model::ConnectionId> ScriptParser::known(const ScriptWord& word) {
    const auto id = script_number(word.text);
    if (!id) return id.error();
    const auto found = connections_.find(*id);
    if (found == connections_.end()) return error("connection " + word.text + " was not opened");
    if (found->second.closed) return error("connection " + word.text + " was closed before");
    return *id;
}

base::Result<ScriptParser::Stream> ScriptParser::stream(Words words) {
    const bool up = words[0].text == ">>";
    if (!up && words[0].text != "<<") return error("expected >> or <<, not \"" + words[0].text + "\"");
    const auto id = known(words[1]);
    if (!id) return id.error();
    Connection& connection = connections_[*id];
    return Stream{*id, &connection, up == connection.observed_is_client ? Direction::sent : Direction::received};
}

base::Result<void> ScriptParser::address(Words words) {
    const auto id = known(words[1]);
    if (!id) return id.error();
    model::ConnectionAddressed event;
    event.id = *id;
    for (std::size_t at = 2; at < words.size();) {
        if (auto result = endpoints(words, at, event.local, event.peer); !result) return result;
    }
    emit(event);
    return {};
}

base::Result<void> ScriptParser::name(Words words) {
    const auto id = known(words[1]);
    if (!id) return id.error();
    if (words.size() > 3) return unexpected(words[3]);
    emit(model::ConnectionNamed{*id, words[2].text});
    return {};
}

base::Result<std::string> ScriptParser::piece(const ScriptWord& word) const {
    if (word.kind == ScriptWord::Kind::quoted) return word.text;
    if (word.kind == ScriptWord::Kind::file) {
        return read_script_file(word.text.starts_with('/') ? word.text : folder_ + "/" + word.text);
    }
    if (!word.text.starts_with("hex:")) return unexpected(word);
    return script_hex(std::string_view(word.text).substr(4));
}

base::Result<void> ScriptParser::bytes(Words words) {
    const auto to = stream(words);
    if (!to) return to.error();
    std::string payload;
    for (const ScriptWord& word : words.subspan(2)) {
        if (const auto at = value_of(word.text, "at"); at && word.kind == ScriptWord::Kind::plain) {
            const auto place = script_length(*at);
            if (!place) return place.error();
            to->offset() = *place;
            continue;
        }
        const auto one = piece(word);
        if (!one) return one.error();
        if (word.times > kPayload / std::max<std::size_t>(1, one->size()))
            return error("the script holds too many bytes");
        for (std::uint64_t i = 0; i < word.times && payload.size() <= kPayload; ++i)
            payload += *one;
    }
    payload_bytes_ += payload.size();
    if (payload_bytes_ > kPayload) return error("the script holds too many bytes");
    // Statements that are repeated share their bytes.
    if (script_.payload.empty() || script_.payload.back() != payload) {
        script_.payload.push_back(std::move(payload));
    } else {
        payload_bytes_ -= payload.size();
    }
    chunks(*to, script_.payload.back());
    return {};
}

void ScriptParser::chunks(const Stream& stream, std::string_view bytes) {
    do {
        const std::string_view part = bytes.substr(0, cut_ == 0 ? bytes.size() : cut_);
        model::Chunk chunk;
        chunk.connection = stream.id;
        chunk.direction = stream.direction;
        chunk.offset = stream.offset();
        chunk.time = now_;
        chunk.length = part.size();
        chunk.bytes = base::as_bytes(part);
        emit(chunk);
        stream.offset() += part.size();
        bytes.remove_prefix(part.size());
    } while (!bytes.empty() && script_.events.size() <= kEvents);
}

base::Result<void> ScriptParser::gap(Words words) {
    const auto to = stream(words.subspan(1));
    if (!to) return to.error();
    const auto length = script_length(words[3].text);
    if (!length) return length.error();
    if (words.size() > 5) return unexpected(words[5]);
    if (words.size() == 5) {
        const auto reason = loss_named(words[4].text);
        if (!reason) return error("there is no loss \"" + words[4].text + "\"");
        model::Chunk chunk;
        chunk.connection = to->id;
        chunk.direction = to->direction;
        chunk.offset = to->offset();
        chunk.time = now_;
        chunk.length = *length;
        chunk.missing = *reason;
        emit(chunk);
    }
    to->offset() += *length;
    if (to->offset() > kStream) return error("the stream gets too long");
    return {};
}

base::Result<void> ScriptParser::end(Words words) {
    const auto to = stream(words.subspan(1));
    if (!to) return to.error();
    if (words.size() > 3) return unexpected(words[3]);
    emit(model::DirectionEnded{to->id, to->direction, now_, to->offset()});
    return {};
}

base::Result<void> ScriptParser::close(Words words) {
    const auto id = known(words[1]);
    if (!id) return id.error();
    Connection& connection = connections_[*id];
    ConnectionClosed event;
    event.id = *id;
    event.time = now_;
    for (const ScriptWord& word : words.subspan(2)) {
        if (const auto how = find(word.text, kHowClosed)) {
            event.how = *how;
        } else if (word.text == "lengths") {
            event.sent = connection.offsets[0];
            event.received = connection.offsets[1];
        } else {
            return unexpected(word);
        }
    }
    connection.closed = true;
    emit(event);
    return {};
}

base::Result<void> ScriptParser::unprobed(Words words) {
    const auto id = script_id(words[1].text);
    if (!id) return id.error();
    const auto found = processes_.find(*id);
    if (found == processes_.end()) return error("process " + words[1].text + " was not introduced");
    const auto socket = script_number(words[2].text);
    if (!socket) return socket.error();
    model::UnprobedTls event;
    event.process = found->second;
    event.time = now_;
    event.socket = *socket;
    std::size_t at = 4;
    if (words[3].text == "data") {
        event.what = model::UnprobedTls::What::carries_data;
    } else if (words[3].text == "hello") {
        if (at == words.size()) return error("\"hello\" needs a name");
        event.server_name = words[at++].text;
        while (at < words.size()) {
            if (auto result = endpoints(words, at, event.local, event.peer); !result) return result;
        }
    } else {
        return unexpected(words[3]);
    }
    if (at < words.size()) return unexpected(words[at]);
    emit(event);
    return {};
}

}  // namespace llmsnoop::capture
