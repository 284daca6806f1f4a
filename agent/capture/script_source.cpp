#include "agent/capture/script_source.h"

#include <algorithm>
#include <iterator>

#include "agent/capture/script_file.h"
#include "agent/capture/script_parser.h"

namespace llmsnoop::capture {

namespace {

constexpr std::size_t kEventsPerPoll = 1024;

class ScriptSource final : public Source {
 public:
    explicit ScriptSource(Script script) : script_(std::move(script)) {}

    base::Result<Status> poll(unsigned /*shard*/, base::Duration /*wait*/, EventOut out) override {
        const std::size_t until = std::min(next_ + kEventsPerPoll, script_.events.size());
        for (; next_ < until; ++next_)
            out(script_.events[next_]);
        return next_ == script_.events.size() ? Status::finished : Status::busy;
    }

 private:
    Script script_;
    std::size_t next_ = 0;
};

bool continues(std::string_view line) {
    const std::size_t at = line.find_first_not_of(" \t");
    return at != std::string_view::npos && (line[at] == '"' || line[at] == '@');
}

}  // namespace

base::Result<Script> parse_script(std::string_view text, const std::string& name, const std::string& folder) {
    ScriptParser parser(folder);
    const auto failed = [&](std::size_t line, const base::Error& why) {
        return base::error(name + ":" + std::to_string(line) + ": " + why.message, why.kind);
    };
    std::vector<ScriptWord> words;  // of the statement that is being gathered
    std::size_t first_line = 0;     // where it begins
    for (std::size_t line = 1;; ++line) {
        const std::size_t end = text.find('\n');
        const std::string_view content = text.substr(0, end);
        auto more = split_script_line(content);
        if (!more) return failed(line, more.error());
        if (!more->empty() && !continues(content)) {
            if (!words.empty()) {
                if (auto result = parser.statement(words); !result) return failed(first_line, result.error());
            }
            words.clear();
            first_line = line;
        }
        if (words.empty() && !more->empty()) first_line = line;
        words.insert(words.end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    if (!words.empty()) {
        if (auto result = parser.statement(words); !result) return failed(first_line, result.error());
    }
    return parser.finish();
}

base::Result<std::unique_ptr<Source>> open_script(const std::string& path) {
    const auto text = read_script_file(path);
    if (!text) return text.error();
    const std::size_t slash = path.rfind('/');
    auto script = parse_script(*text, path, slash == std::string::npos ? "." : path.substr(0, slash + 1));
    if (!script) return script.error();
    return play_script(std::move(*script));
}

std::unique_ptr<Source> play_script(Script script) {
    return std::make_unique<ScriptSource>(std::move(script));
}

}  // namespace llmsnoop::capture
