#include "store/json/document.h"
#include "store/json/json.h"
#include "store/json/merge.h"
#include "store/json/parse.h"

namespace ipsec::store {

namespace {

ImportOutcome import(std::string_view text, const PolicyTree* base, RandomSource& random, WallClock now) {
  ParsedJson parsed = parse_json(text);
  // A document of which not even the shape is known has no further problems worth telling.
  if (parsed.document.is_null() && !parsed.problems.empty()) return {{}, std::move(parsed.problems)};
  Document document = read_document(parsed.document, now, parsed.problems);
  wipe_secrets(parsed.document);
  return merge_document(std::move(document), base, random, std::move(parsed.problems));
}

}  // namespace

ImportOutcome import_json(std::string_view text, RandomSource& random, WallClock now) {
  return import(text, nullptr, random, now);
}

ImportOutcome merge_json(std::string_view text, const PolicyTree& base, RandomSource& random, WallClock now) {
  return import(text, &base, random, now);
}

}  // namespace ipsec::store
