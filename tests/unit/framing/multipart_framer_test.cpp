#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/framing/multipart_framer.h"
#include "tests/support/framing_cuts.h"

namespace llmsnoop::support {
namespace {

using model::Framing;
using model::Loss;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kType = "multipart/form-data; boundary=XY";

std::string part(std::string_view disposition, std::string_view content) {
    return "--XY\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n\r\n" + std::string(content) +
           "\r\n";
}

TEST(MultipartFramer, DeliversFieldsAndTheNamesOfFiles) {
    FramerScript script(Framing::multipart, kType);
    script << part("name=\"model\"", "whisper-1")
           << part("name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav", std::string("RIFF\0\r\n--X\r\n", 12))
           << part("name=\"language\"", "") << "--XY--\r\n";
    EXPECT_THAT(script.end(), ElementsAre(field("model", "whisper-1"), field("file", ""), field("language", "")));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(MultipartFramer, KeepsLineBreaksAndAlmostBoundariesOfAField) {
    const std::string_view value = "a\r\n\r\n--X\n--XZ\r\r\n--XYZ\r\n--XY-\r\n--XY x\r";
    FramerScript script(Framing::multipart, kType);
    script << part("name=v", value) << "--XY--";
    EXPECT_THAT(script.end(), ElementsAre(field("v", value)));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(MultipartFramer, ReadsPreambleEpiloguePaddingAndBareLineFeeds) {
    FramerScript script(Framing::multipart, "Multipart/Form-Data; charset=x; Boundary=\"XY\"");
    script << "preamble --XY\r\n\r\n--XY  \t\r\ncontent-type: "
              "text/plain\r\nCONTENT-DISPOSITION:form-data;name=\"a\"\r\n\r\n1\r\n"
           << "--XY\nContent-Disposition: form-data; name=b\n\n2\n--XY--\r\n--XY\r\n\r\nepilogue";
    EXPECT_THAT(script.end(), ElementsAre(field("a", "1"), field("b", "2")));
}

TEST(MultipartFramer, ReadsNames) {
    FramerScript script(Framing::multipart, kType);
    script << part(R"(name="a;b\"c")", "1") << part("filename*=utf-8''x; name=d", "2") << part("x=y", "3") << "--XY--";
    EXPECT_THAT(script.end(), ElementsAre(field("a;b\"c", "1"), field("d", ""), field("", "3")));
}

TEST(MultipartFramer, ReadsAnEmptyPartWhoseBoundaryFollowsAtOnce) {
    FramerScript script(Framing::multipart, kType);
    script << "--XY\r\nContent-Disposition: form-data; name=a\r\n\r\n--XY--";
    EXPECT_THAT(script.end(), ElementsAre(field("a", "")));
}

TEST(MultipartFramer, TruncatesALongField) {
    const framing::FramerLimits limits{.field_bytes = 8};
    const std::string input = part("name=a", "0123456789") + part("name=b", "01234567") + "--XY--";
    FramerScript script(Framing::multipart, kType, limits);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(truncated(field("a", "01234567")), field("b", "01234567")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
    expect_framing_ignores_cuts(Framing::multipart, kType, input, limits);
}

TEST(MultipartFramer, PassesOverAPartWhoseHeadIsTooLong) {
    std::string input = "--XY\r\nX: " + std::string(framing::MultipartFramer::kHeadBytes, 'x') + "\r\n\r\n1\r\n" +
                        part("name=b", "2") + "--XY--";
    FramerScript script(Framing::multipart, kType);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(field("b", "2")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
    FramerScript padded(Framing::multipart, kType);
    padded << "--XY" << std::string(1'000'000, ' ') << "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
           << part("name=b", "2") << "--XY--";
    EXPECT_THAT(padded.end(), ElementsAre(field("b", "2")));
}

TEST(MultipartFramer, MarksAFieldThatIsNotFinished) {
    FramerScript field_cut(Framing::multipart, kType);
    field_cut << part("name=a", "1") << "--XY\r\nContent-Disposition: form-data; name=b\r\n\r\n2";
    EXPECT_THAT(field_cut.end(false), ElementsAre(field("a", "1"), truncated(field("b", "2"))));
    FramerScript head_cut(Framing::multipart, kType);
    head_cut << part("name=a", "1") << "--XY\r\nContent-Dis";
    EXPECT_THAT(head_cut.end(false), ElementsAre(field("a", "1")));
    EXPECT_EQ(head_cut.lost(Loss::frame_cut), 1U);
    FramerScript wrong(Framing::multipart, kType);
    wrong << "--AB\r\n\r\n1\r\n--AB--";
    EXPECT_THAT(wrong.end(), IsEmpty());
    EXPECT_TRUE(wrong.framer().damaged());
    FramerScript empty(Framing::multipart, kType);
    EXPECT_THAT(empty.end(), IsEmpty());
    EXPECT_FALSE(empty.framer().damaged());
}

TEST(MultipartFramer, GoesOnAfterAGapAtTheNextBoundary) {
    FramerScript script(Framing::multipart, kType);
    script << "--XY\r\nContent-Disposition: form-data; name=a\r\n\r\n12" << gap << "45\r\n"
           << part("name=b", "2") << "--XY\r\nContent-Disp" << gap << "x\r\n"
           << part("name=c", "3") << "--XY--";
    EXPECT_THAT(script.end(), ElementsAre(truncated(field("a", "12")), field("b", "2"), field("c", "3")));
    EXPECT_EQ(script.lost(Loss::frame_cut), 2U);
}

TEST(MultipartFramer, IsLinearInLineFeedsAndTinyParts) {
    FramerScript file(Framing::multipart, kType);
    file << "--XY\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"
         << std::string(20'000'000, '\n') << std::string(20'000'000, '\r') << "\r\n--XY--";
    EXPECT_THAT(file.end(), ElementsAre(field("f", "")));
    std::string input;
    for (int i = 0; i < 200'000; ++i)
        input += "--XY\n\n\n";
    FramerScript parts(Framing::multipart, kType);
    parts << input << "--XY--";
    EXPECT_THAT(parts.end(), SizeIs(200'000));
}

TEST(MultipartFramer, IsABodyWithoutABoundary) {
    FramerScript script(Framing::multipart, "multipart/form-data");
    script << "--XY\r\n";
    EXPECT_THAT(script.end(), ElementsAre(body("--XY\r\n")));
    EXPECT_EQ(script.framer().framing(), Framing::body);
}

TEST(MultipartFramer, IgnoresCuts) {
    const std::string input = "pre\r\n" + part("name=\"a\"", "1\r\n--X\r\r\n--XY-\r\n") +
                              part("name=f; filename=x", "\r\n\r\n--XYZ") + part("name=b", "") +
                              "--XY \r\n\r\nno name\r\n--XY--\r\nepi";
    expect_framing_ignores_cuts(Framing::multipart, kType, input);
    expect_framing_ignores_cuts(Framing::multipart, kType, input.substr(0, input.size() - 12));
    expect_framing_ignores_cuts(Framing::multipart, kType,
                                "--XY\r\nX: " + std::string(9000, 'x') + "\r\n\r\n1\r\n--XY--");
}

}  // namespace
}  // namespace llmsnoop::support
