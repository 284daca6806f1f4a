#pragma once
// ClientHellos, made by hand (RFC 8446 section 4.1.2, RFC 6066 section 3).
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::support {

// A vector behind its length.
inline std::string vector_of(unsigned size_of_length, std::string_view content) {
    std::string out;
    for (unsigned i = size_of_length; i-- > 0;)
        out.push_back(static_cast<char>(content.size() >> 8 * i));
    return out.append(content);
}

inline std::string extension(std::uint16_t type, std::string_view content) {
    const char head[] = {static_cast<char>(type >> 8), static_cast<char>(type)};
    return std::string(head, 2) + vector_of(2, content);
}

inline std::string server_name_extension(std::string_view name) {
    return extension(0, vector_of(2, std::string(1, '\0') + vector_of(2, name)));
}

// The body of the message, with these extensions; with a vector of them even if it is empty.
inline std::string hello_body(std::string_view extensions, char random = 'r') {
    return std::string("\x03\x03", 2) + std::string(32, random) + vector_of(1, std::string(32, 's')) +
           vector_of(2, std::string("\x13\x01\x13\x02", 4)) + vector_of(1, std::string(1, '\0')) +
           vector_of(2, extensions);
}

inline std::string handshake_record(std::string_view body) {
    return std::string("\x16\x03\x01", 3) + vector_of(2, std::string("\x01", 1) + vector_of(3, body));
}

// What a client of today sends: a key share before the name, and more behind it.
inline std::string client_hello(std::string_view name, char random = 'r') {
    return handshake_record(hello_body(extension(51, std::string(40, 'k')) + server_name_extension(name) +
                                           extension(16, vector_of(2, vector_of(1, "h2"))),
                                       random));
}

}  // namespace llmsnoop::support
