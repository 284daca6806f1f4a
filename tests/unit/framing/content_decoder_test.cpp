#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/framing/content_decoder.h"
#include "tests/support/any_cut.h"
#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

using framing::ContentDecoder;
using framing::DecoderLimits;
using model::Loss;
using testing::Optional;

constexpr Coding kCodings[] = {Coding::gzip, Coding::deflate, Coding::deflate_raw, Coding::br, Coding::zstd};

std::string compress(Coding coding, std::string_view text) {
    std::string out;
    Compressor::create(coding)->add(text, Flush::finish, out);
    return out;
}

struct Decoded {
    std::string text;
    std::optional<Loss> failed;

    friend bool operator==(const Decoded&, const Decoded&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Decoded& decoded) {
        return out << decoded.text.size() << " bytes, failed "
                   << (decoded.failed ? static_cast<int>(*decoded.failed) : -1);
    }
};

Decoded decode_pieces(std::string_view codings, const Pieces& pieces, const DecoderLimits& limits = {}) {
    ContentDecoder decoder(codings, limits);
    Decoded decoded;
    const auto out = [&](base::Bytes bytes) { decoded.text.append(base::as_text(bytes)); };
    for (const std::string_view piece : pieces)
        decoder.feed(base::as_bytes(piece), out);
    decoder.end(true, out);
    decoded.failed = decoder.failed();
    return decoded;
}

Decoded decode(std::string_view codings, std::string_view input, const DecoderLimits& limits = {}) {
    return decode_pieces(codings, {input}, limits);
}

Decoded whole(std::string_view text) {
    return {std::string(text), std::nullopt};
}

// Text that does not compress to nothing.
std::string prose(std::size_t size) {
    std::mt19937 random(7);
    std::string out;
    while (out.size() < size)
        out += "data: {\"word\":" + std::to_string(random()) + "}\n\n";
    out.resize(size);
    return out;
}

TEST(ContentDecoder, PassesThroughWithoutACoding) {
    for (const std::string_view codings : {"", "identity", " identity , identity", ","}) {
        const std::string text = "\x1f\x8b some bytes";
        ContentDecoder decoder(codings);
        const char* seen = nullptr;
        decoder.feed(base::as_bytes(text), [&](base::Bytes bytes) { seen = base::as_text(bytes).data(); });
        EXPECT_EQ(seen, text.data()) << "copied";
        EXPECT_FALSE(decoder.failed());
    }
}

TEST(ContentDecoder, UndoesEveryCoding) {
    for (const Coding coding : kCodings) {
        for (const std::size_t size : {0U, 1U, 17U, 5000U, 300'000U}) {
            const std::string text = prose(size);
            EXPECT_EQ(decode(header_value(coding), compress(coding, text)), whole(text))
                << header_value(coding) << size;
        }
    }
    const std::string text = prose(100);
    EXPECT_EQ(decode("X-GZip", compress(Coding::gzip, text)), whole(text));
    EXPECT_EQ(decode("x-deflate", compress(Coding::deflate, text)), whole(text));
}

TEST(ContentDecoder, IgnoresCuts) {
    const std::string text = prose(2000);
    for (const Coding coding : kCodings) {
        expect_same_for_any_cut(compress(coding, text) + "trailing",
                                [&](const Pieces& pieces) { return decode_pieces(header_value(coding), pieces); });
        std::string broken = compress(coding, text);
        broken[broken.size() / 2] ^= 0x55;
        expect_same_for_any_cut(broken, [&](const Pieces& pieces) {
            Decoded decoded = decode_pieces(header_value(coding), pieces);
            // How much comes out before the error shows depends on how far the library looks ahead.
            return decoded.failed;
        });
        for (const std::string_view plain :
             {"{\"error\": \"not compressed at all\"}", "{}", "(", "data: 1\n\ndata: 2\n\n"}) {
            expect_same_for_any_cut(plain,
                                    [&](const Pieces& pieces) { return decode_pieces(header_value(coding), pieces); });
        }
    }
    const std::string stacked = compress(Coding::br, compress(Coding::gzip, compress(Coding::zstd, text)));
    expect_same_for_any_cut(stacked, [&](const Pieces& pieces) { return decode_pieces("zstd, gzip, br", pieces); });
    EXPECT_EQ(decode("zstd, gzip, br", stacked), whole(text));
}

TEST(ContentDecoder, UndoesStackedCodingsLastFirst) {
    const std::string text = prose(10'000);
    EXPECT_EQ(decode("gzip, br", compress(Coding::br, compress(Coding::gzip, text))), whole(text));
    EXPECT_EQ(decode("gzip,identity ,gzip", compress(Coding::gzip, compress(Coding::gzip, text))), whole(text));
    // Listed twice, done once.
    EXPECT_EQ(decode("gzip, gzip", compress(Coding::gzip, text)), whole(text));
    EXPECT_THAT(decode("gzip, gzip, gzip, gzip, gzip", "x").failed, Optional(Loss::content_coding_limit));
}

TEST(ContentDecoder, RefusesAnUnknownCodingFromTheStart) {
    for (const std::string_view codings : {"compress", "gzip, lzma", "gzip; q=1", "br gzip"}) {
        EXPECT_THAT(ContentDecoder(codings).failed(), Optional(Loss::content_coding_unknown));
        EXPECT_EQ(decode(codings, "{}").text, "");
    }
}

TEST(ContentDecoder, DeliversWhatAFlushCompletes) {
    for (const Coding coding : kCodings) {
        const auto compressor = Compressor::create(coding);
        ContentDecoder decoder(header_value(coding));
        for (int i = 0; i < 50; ++i) {
            const std::string event = "data: {\"number\": " + std::to_string(i) + "}\n\n";
            std::string sent;
            compressor->add(event, Flush::sync, sent);
            std::string seen;
            decoder.feed(base::as_bytes(sent), [&](base::Bytes bytes) { seen.append(base::as_text(bytes)); });
            EXPECT_EQ(seen, event) << header_value(coding);
        }
        EXPECT_FALSE(decoder.failed());
    }
}

TEST(ContentDecoder, ReadsSeveralMembersAndFrames) {
    const std::string text = prose(1000);
    for (const Coding coding : {Coding::gzip, Coding::zstd}) {
        const std::string one = compress(coding, text);
        EXPECT_EQ(decode(header_value(coding), one + one + compress(coding, "") + one), whole(text + text + text));
        expect_same_for_any_cut(one + one,
                                [&](const Pieces& pieces) { return decode_pieces(header_value(coding), pieces); });
    }
    const std::string skippable("\x5A\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
    const std::string frame = compress(Coding::zstd, text);
    EXPECT_EQ(decode("zstd", skippable + frame + skippable + frame), whole(text + text));
}

TEST(ContentDecoder, IgnoresWhatFollowsACompleteStream) {
    const std::string text = prose(1000);
    for (const Coding coding : kCodings) {
        for (const std::string& garbage :
             {std::string("garbage"), std::string(1000, '\0'), std::string("\x1f"), std::string("\x1f\x8b"),
              std::string("\x1f\x8b\x07"), std::string("\x28\xb5\x2f"), std::string("\x28\xb5\x2f\xfe")}) {
            EXPECT_EQ(decode(header_value(coding), compress(coding, text) + garbage), whole(text))
                << header_value(coding);
        }
    }
}

TEST(ContentDecoder, SaysSoWhenAStreamIsBrokenOrUnfinished) {
    const std::string text = prose(1000);
    for (const Coding coding : kCodings) {
        const std::string good = compress(coding, text);
        const Decoded unfinished = decode(header_value(coding), good.substr(0, good.size() - 1));
        EXPECT_THAT(unfinished.failed, Optional(Loss::content_coding_broken)) << header_value(coding);
        EXPECT_TRUE(text.starts_with(unfinished.text));
        EXPECT_THAT(decode(header_value(coding), "\xff\xff\xff\xff\xff\xff\xff\xff").failed,
                    Optional(Loss::content_coding_broken));
    }
    std::string bad_checksum = compress(Coding::gzip, text);
    bad_checksum[bad_checksum.size() - 5] ^= 1;
    EXPECT_THAT(decode("gzip", bad_checksum).failed, Optional(Loss::content_coding_broken));
    std::string bad_second = compress(Coding::gzip, text);
    bad_second += bad_second.substr(0, 30);
    EXPECT_THAT(decode("gzip", bad_second).failed, Optional(Loss::content_coding_broken));
    EXPECT_EQ(decode("gzip", ""), whole(""));
}

TEST(ContentDecoder, DeliversNothingAfterAnError) {
    ContentDecoder decoder("gzip");
    std::string seen;
    const auto out = [&](base::Bytes bytes) { seen.append(base::as_text(bytes)); };
    decoder.feed(base::as_bytes("\xff\xff"), out);
    ASSERT_TRUE(decoder.failed());
    decoder.feed(base::as_bytes(compress(Coding::gzip, "text")), out);
    decoder.end(true, out);
    EXPECT_EQ(seen, "");
}

TEST(ContentDecoder, PassesThroughABodyThatIsTextAfterAll) {
    for (const Coding coding : kCodings) {
        for (const std::string_view text :
             {"{\"id\":\"chatcmpl-1\",\"object\":\"x\"}", "[{\"error\":{\"code\":429}}]", "data: {\"a\":12}\n\n", "{}",
              "{\"\xE4\xBD\xA0\xE5\xA5\xBD\":\"\xE4\xBD\xA0\"}", "\xEF\xBB\xBF{\"id\":\"chatcmpl\"}",
              "event: message_start\ndata: {}\n\n", "<html><body>502 Bad Gateway</body></html>"}) {
            EXPECT_EQ(decode(header_value(coding), text), whole(text)) << header_value(coding);
        }
    }
}

TEST(ContentDecoder, ShowsTextAsSoonAsItIsRecognised) {
    ContentDecoder decoder("gzip");
    std::string seen;
    const auto out = [&](base::Bytes bytes) { seen.append(base::as_text(bytes)); };
    decoder.feed(base::as_bytes("data: {"), out);
    decoder.feed(base::as_bytes("\"a\":1}\n\ndata"), out);
    EXPECT_EQ(seen, "data: {\"a\":1}\n\ndata");
}

TEST(ContentDecoder, DeliversNothingAfterAGap) {
    const std::string text = prose(1000);
    for (const Coding coding : kCodings) {
        const std::string good = compress(coding, text);
        ContentDecoder decoder(header_value(coding));
        std::string seen;
        const auto out = [&](base::Bytes bytes) { seen.append(base::as_text(bytes)); };
        decoder.feed(base::as_bytes(good).first(good.size() / 2), out);
        const std::string before = seen;
        decoder.gap();
        decoder.feed(base::as_bytes(good).subspan(good.size() / 2 + 10), out);
        decoder.end(true, out);
        EXPECT_EQ(seen, before);
        EXPECT_FALSE(decoder.failed());
    }
}

TEST(ContentDecoder, GoesOnAfterAGapWhereNothingIsEncoded) {
    for (const std::string_view codings : {"", "gzip"}) {
        ContentDecoder decoder(codings);
        std::string seen;
        const auto out = [&](base::Bytes bytes) { seen.append(base::as_text(bytes)); };
        decoder.feed(base::as_bytes("data: plain after all\n\n"), out);
        decoder.gap();
        decoder.feed(base::as_bytes("more"), out);
        EXPECT_EQ(seen, "data: plain after all\n\nmore");
    }
}

TEST(ContentDecoder, DeliversExactlyTheOutputLimit) {
    const std::string text = prose(200'000);
    for (const Coding coding : kCodings) {
        const DecoderLimits limits{.output_bytes = 100'001};
        const std::string input = compress(coding, text);
        const Decoded decoded = decode(header_value(coding), input, limits);
        EXPECT_EQ(decoded.text, text.substr(0, 100'001));
        EXPECT_THAT(decoded.failed, Optional(Loss::content_coding_limit));
        EXPECT_EQ(decode(header_value(coding), input, {.output_bytes = 200'000}), whole(text));
        expect_same_for_any_cut(
            input, [&](const Pieces& pieces) { return decode_pieces(header_value(coding), pieces, limits); }, 5);
    }
}

// Files of results are longer than any bomb needs to be.
TEST(ContentDecoder, ALongTextIsNoBomb) {
    const std::string text = prose(2'000'000);
    for (const Coding coding : kCodings) {
        const DecoderLimits limits{.output_bytes = 100'000, .ordinary_ratio = 100};
        EXPECT_EQ(decode(header_value(coding), compress(coding, text), limits), whole(text));
        const std::string zeros(10'000'000, '\0');
        for (const std::string& bomb : {zeros, prose(50'000) + zeros}) {
            const Decoded stopped = decode(header_value(coding), compress(coding, bomb), limits);
            EXPECT_THAT(stopped.failed, Optional(Loss::content_coding_limit)) << header_value(coding);
            EXPECT_LT(stopped.text.size(), bomb.size());
        }
    }
}

}  // namespace
}  // namespace llmsnoop::support
