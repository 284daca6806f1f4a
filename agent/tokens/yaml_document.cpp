#include "agent/tokens/yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace llmsnoop::tokens {

namespace {

struct Places : YAML::EventHandler {
    void OnDocumentStart(const YAML::Mark& mark) override { document = mark; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

    YAML::Mark document;
};

}  // namespace

YAML::Node load_only_document(const std::string& text) {
    YAML::Node root = YAML::Load(text);
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Places places;
    if (parser.HandleNextDocument(places) && parser.HandleNextDocument(places)) {
        throw YAML::ParserException(places.document,
                                    "more follows the first document: one is wanted, without `---` inside");
    }
    return root;
}

}  // namespace llmsnoop::tokens
