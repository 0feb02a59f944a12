#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "store/problem.h"

// The first gate of an import: is it JSON at all, within bounds, and does no key stand twice in one object.
namespace ipsec::store {

struct ParsedJson {
  nlohmann::json document;  // null where the text is not JSON
  Problems problems;        // never quotes the text: it may hold keys
};
ParsedJson parse_json(std::string_view text);

// RFC 6901: '~' and '/' inside a key are written "~0" and "~1".
std::string pointer_part(std::string_view key);

// Overwrites every preshared key in the document (the strings under "psk" and "psk_hex").
template <typename Json>
void wipe_secrets(Json& document);
extern template void wipe_secrets(nlohmann::json& document);
extern template void wipe_secrets(nlohmann::ordered_json& document);

}  // namespace ipsec::store
