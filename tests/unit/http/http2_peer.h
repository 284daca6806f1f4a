#pragma once
// One end of an HTTP/2 connection that only talks: frames as text, header blocks by nghttp2's deflater.
#include <nghttp2/nghttp2.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsnoop::http::test {

inline std::string http2_frame(unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload) {
    std::string bytes;
    for (const int shift : {16, 8, 0})
        bytes += static_cast<char>(payload.size() >> shift);
    bytes += static_cast<char>(type);
    bytes += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0})
        bytes += static_cast<char>(stream >> shift);
    return bytes.append(payload);
}

inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline const std::string kSettings = http2_frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6));
inline const std::string kSettingsAck = http2_frame(4, 1, 0, "");

enum class End { no, yes };

class Http2Peer {
 public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    Http2Peer() {
        nghttp2_hd_deflater* deflater = nullptr;
        nghttp2_hd_deflate_new(&deflater, 1U << 16);
        deflater_.reset(deflater);
    }

    std::string block(const Fields& fields) {
        std::vector<nghttp2_nv> list;
        for (const auto& [name, value] : fields) {
            list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
        }
        std::string out(nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size()), '\0');
        const auto size = nghttp2_hd_deflate_hd(deflater_.get(), bytes(out), out.size(), list.data(), list.size());
        out.resize(static_cast<std::size_t>(size));
        return out;
    }
    std::string headers(std::uint32_t stream, const Fields& fields, End end = End::no) {
        return http2_frame(1, end == End::yes ? 5 : 4, stream, block(fields));
    }
    std::string request(std::uint32_t stream, const std::string& path, End end = End::yes, const Fields& more = {}) {
        Fields fields{{":method", end == End::yes ? "GET" : "POST"},
                      {":scheme", "https"},
                      {":authority", "api.example"},
                      {":path", path}};
        fields.insert(fields.end(), more.begin(), more.end());
        return headers(stream, fields, end);
    }
    std::string response(std::uint32_t stream, int status = 200, End end = End::no) {
        return headers(stream, {{":status", std::to_string(status)}, {"content-type", "text/event-stream"}}, end);
    }
    static std::string data(std::uint32_t stream, std::string_view text, End end = End::no) {
        return http2_frame(0, end == End::yes ? 1 : 0, stream, text);
    }
    void resize_table(std::size_t size) { nghttp2_hd_deflate_change_table_size(deflater_.get(), size); }

 private:
    struct Deleter {
        void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
    };

    static std::uint8_t* bytes(const std::string& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    }

    std::unique_ptr<nghttp2_hd_deflater, Deleter> deflater_;
};

}  // namespace llmsnoop::http::test
