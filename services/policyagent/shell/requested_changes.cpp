#include "services/policyagent/shell/requested_changes.h"

#include "services/common/crypto/random.h"
#include "services/common/rpc/convert.h"
#include "services/policyagent/shell/dynamic_messages.h"
#include "store/workspace.h"

namespace ipsec::agent {

RequestedChanges read_changes(const proto::ApplyRequest& request, const Resolver& resolver) {
  RequestedChanges changes;
  for (int i = 0; i < request.changes_size(); ++i) {
    const auto place = static_cast<std::size_t>(i);
    const std::size_t before = changes.problems.size();
    if (is_dynamic(request.changes(i))) {
      if (auto change = to_dynamic_change(request.changes(i), resolver, changes.problems)) {
        changes.dynamic.push_back(*std::move(change));
        changes.dynamic_places.push_back(place);
      }
    } else if (auto change = to_change(request.changes(i), resolver, changes.problems)) {
      changes.stored.push_back(*std::move(change));
      changes.stored_places.push_back(place);
    }
    for (std::size_t p = before; p < changes.problems.size(); ++p) changes.problems[p].change_index = place;
  }
  return changes;
}

Result<store::PolicyTree> tree_as_if(const store::PolicyTree& tree,
                                     const google::protobuf::RepeatedPtrField<proto::Change>& changes,
                                     const Resolver& resolver) {
  store::Workspace workspace(tree);
  for (const proto::Change& message : changes) {
    if (is_dynamic(message)) continue;
    store::Problems problems;
    const auto change = to_change(message, resolver, problems);
    if (change) problems = store::edit(workspace, *change, system_random(), 0);
    if (!problems.empty()) return invalid(store::to_string(problems.front()));
  }
  return workspace.tree();
}

}  // namespace ipsec::agent
