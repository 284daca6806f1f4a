// Secret scanning and masking of arbitrary bytes. The first byte chooses where the rest is cut.
//   - matches are in order, within the text and without overlap;
//   - masking changes nothing but masked bytes, and leaves no secret behind;
//   - a cut lets through no more of a secret than its beginning.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/policy/credential_mask.h"
#include "agent/policy/credential_members.h"
#include "agent/policy/secret_scan.h"
#include "agent/policy/wire_text.h"

namespace {

using namespace llmsnoop;
using Buffer = std::vector<std::uint8_t>;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<policy::SecretMatch> scan(std::string_view text) {
    std::vector<policy::SecretMatch> all;
    std::size_t from = 0;
    for (auto match = policy::find_secret(text); match; match = policy::find_secret(text, from)) {
        require(from <= match->begin && match->begin < match->end && match->end <= text.size());
        require(match->end - match->begin >= policy::kShortestSecret);
        from = match->end;
        all.push_back(*match);
    }
    return all;
}

void only_masked(const Buffer& before, const Buffer& after) {
    for (std::size_t i = 0; i < before.size(); ++i)
        require(after[i] == before[i] || after[i] == '*');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = 1 + data[0];
    const Buffer input(data + 1, data + size);
    const std::vector<policy::SecretMatch> secrets = scan(base::as_text(input));

    Buffer whole = input;
    policy::mask_credentials(whole);
    only_masked(input, whole);
    for (const policy::SecretMatch& secret : secrets) {
        for (std::size_t i = secret.begin; i < secret.end; ++i)
            require(whole[i] == '*');
    }
    require(scan(base::as_text(whole)).empty());

    Buffer cut = input;
    policy::CredentialMask mask;
    for (std::size_t at = 0; at < cut.size(); at += piece) {
        mask.mask(std::span(cut).subspan(at, std::min(piece, cut.size() - at)));
    }
    only_masked(input, cut);
    for (const policy::SecretMatch& secret : secrets) {
        // A prefix (the longest is the digits and dot of a dotted key), and the characters that tell a key from a word.
        constexpr std::size_t kMayShow = 33 + policy::kCutSecret;
        for (std::size_t i = secret.begin + kMayShow; i < secret.end; ++i)
            require(cut[i] == '*');
    }

    Buffer named = input;
    policy::mask_named_credentials(named);
    only_masked(input, named);
    std::string members(base::as_text(named));
    policy::mask_credential_members(members);
    require(members.size() == named.size());
    only_masked(named, Buffer(members.begin(), members.end()));

    std::string text(base::as_text(input));
    policy::clean(text, policy::TextKind::name);
    std::string again = text;
    policy::clean(again, policy::TextKind::name);
    require(again == text);
    const std::string path = policy::without_query_values(base::as_text(input));
    require(path.size() <= input.size() && policy::without_query_values(path).size() <= path.size());
    return 0;
}
