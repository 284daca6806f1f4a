#pragma once
// YAML files of which one document is wanted, and all of it.
#include <string>

namespace YAML {
class Node;
}

namespace llmsnoop::tokens {

// Null for a text without content. Throws YAML::Exception, with the place, for what is no YAML and for what follows the
// document. (YAML::Load reads the first document and ignores the rest; YAML::LoadAll of yaml-cpp 0.7 never ends where
// what follows begins no document, a comma for example: its issue 1040.)
YAML::Node load_only_document(const std::string& text);

}  // namespace llmsnoop::tokens
