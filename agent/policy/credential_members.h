#pragma once
// Masks credentials in JSON text by the names of the members that hold them: {"authorization": "…"},
// {"headers": {"X-Api-Key": "…"}}, {"access_token": "…"}. Tools are told of the servers that they run on in this way,
// and are called so. Every masked byte becomes "*": the text stays JSON, and no longer than it was.
#include <string>

namespace llmsnoop::policy {

// Any text: what is no JSON is left alone, and JSON within strings of JSON is read as well. Linear.
void mask_credential_members(std::string& text);

}  // namespace llmsnoop::policy
