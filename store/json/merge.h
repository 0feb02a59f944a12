#pragma once

#include "services/common/crypto/random.h"
#include "store/json/document.h"
#include "store/json/json.h"

namespace ipsec::store {

// The third gate: GUIDs, links and keys of what was read, then the rules of validate(), then the tree that results.
// `base` null: the document stands alone. `problems` are those of the earlier gates; a place that they name already is
// not reported again.
ImportOutcome merge_document(Document document, const PolicyTree* base, RandomSource& random, Problems problems);

}  // namespace ipsec::store
