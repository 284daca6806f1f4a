#pragma once
// Appends one JSON text (RFC 8259) to a string: members in the order they are written, always well-formed UTF-8, no
// white space. Not thread-safe.
//
// The caller pairs the begin and end calls. Within an object every value has a key; within an array none has.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::exporters {

class JsonWriter {
 public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    // Where an object or array began; end with it what it began.
    struct Mark {
        std::size_t before = 0;
        std::size_t inside = 0;
        bool first = true;  // of its parent's members
    };

    Mark begin_object();  // an element of an array, or the whole text
    Mark begin_object(std::string_view key);
    void end_object() { end('}'); }
    void end_object_unless_empty(Mark mark);  // without members it is as if it had not been begun

    Mark begin_array(std::string_view key);
    void end_array() { end(']'); }
    void end_array_unless_empty(Mark mark);

    void string(std::string_view value);  // an element of an array
    void member(std::string_view key, std::string_view value);
    void member(std::string_view key, const char* value) { member(key, std::string_view(value)); }
    void member(std::string_view key, std::uint64_t value);
    void member(std::string_view key, bool value);
    void member(std::string_view key, double value);  // no member for what JSON cannot say: infinity, not a number

    // Empty stands for unknown, and what is unknown is absent.
    void member_if_known(std::string_view key, std::string_view value) {
        if (!value.empty()) member(key, value);
    }

 private:
    void separate();
    void key(std::string_view key);
    void quoted(std::string_view text);
    Mark begin(char bracket, std::size_t before, bool first);
    void end(char bracket);

    std::string& out_;
    bool first_ = true;  // nothing stands before in this object or array
};

}  // namespace llmsnoop::exporters
