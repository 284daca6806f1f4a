#pragma once
// Masks credentials in the bytes of a connection before they are kept on a tape. Every masked byte becomes "*", so
// lengths and offsets stay as they are and the tape still parses.
//
// Masked are
//   - the values of HTTP/1.1 header fields that carry credentials: authorization, proxy-authorization, cookie,
//   set-cookie,
//     api-key, x-api-key, x-goog-api-key, x-amz-security-token, and any other whose name ends like those of keys and
//     tokens do (credential_names.h);
//   - the values of URL parameters with such names, wherever a URL stands, escaped for JSON or HTML or not: "?key=",
//     "&access_token=", "\u0026sig=", ...;
//   - whatever looks like a key (secret_rules.h), in heads and bodies, the subprotocol of OpenAI's WebSocket included.
//
// What it cannot see: HTTP/2 heads, which HPACK (RFC 7541) writes in Huffman code and as references to earlier ones;
// compressed bodies; what a WebSocket client sends, which is XORed with a mask (RFC 6455 section 5.3); a value whose
// field's name is among bytes that were lost. Who records such traffic records its credentials.
//
// One object per direction of a connection; not thread-safe. What a cut between two calls may leave readable of a
// secret is its prefix and the first few characters (kCutSecret), never the rest.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::policy {

class CredentialMask {
 public:
    // The bytes that follow those of the last call.
    void mask(std::span<std::uint8_t> bytes);

    // Bytes are missing here. If the last ones were in the middle of a credential, what follows is taken to be the rest
    // of it.
    void skip();

 private:
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    // What the last byte seen is in the middle of.
    enum class Inside : std::uint8_t { nothing, header_value, parameter_value, key };

    std::size_t finish_value(std::span<std::uint8_t> bytes);
    void find_headers(std::string_view text);
    void find_user_info(std::string_view text);
    void find_parameters(std::string_view text);
    void find_keys(std::string_view text);
    void add(std::size_t begin, std::size_t end) { ranges_.push_back({begin, end}); }
    void mask_found(std::span<std::uint8_t> bytes, std::size_t before) const;
    void remember(std::string_view text);
    void keep_end_of_value(std::string_view text);

    friend void mask_named_credentials(std::span<std::uint8_t> bytes);

    Inside inside_ = Inside::nothing;
    bool line_start_ = true;     // context_, or the next byte if that is empty, begins a line
    std::string context_;        // the last bytes, if what follows may complete something that began in them
    bool context_cut_ = false;   // context_ begins inside a word
    std::string joined_;         // context_ and the bytes of a call
    std::vector<Range> ranges_;  // of `joined_`
};

// The same for bytes that stand alone.
void mask_credentials(std::span<std::uint8_t> bytes);

// Only what is known by its name or place: the values of header fields and of URL parameters, and the user information
// of URLs.
void mask_named_credentials(std::span<std::uint8_t> bytes);

}  // namespace llmsnoop::policy
