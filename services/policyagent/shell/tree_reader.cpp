#include "services/policyagent/shell/tree_reader.h"

#include <algorithm>

#include "services/policyagent/shell/store_messages.h"
#include "store/lookup.h"

namespace ipsec::agent {
namespace proto = ::policyagent::v1;
namespace {

class TreeReader {
 public:
  TreeReader(const proto::ReadRequest& request, const store::PolicyTree& tree, proto::ReadReply& reply)
      : request_(request), tree_(tree), reply_(reply) {}

  Status run() {
    std::optional<store::Reference> object;
    if (request_.has_object()) {
      store::Problems problems;
      object = to_reference(request_.object(), problems);
      if (!object) return invalid(store::to_string(problems.front()));
    }
    switch (request_.kind()) {
      case proto::ReadRequest::KIND_UNSPECIFIED:
        return everything();
      case proto::ReadRequest::KIND_POLICY:
        return pick(tree_.policies, object, store::find_policy, "policy",
                    [this](const store::Policy& policy) { add(policy); });
      case proto::ReadRequest::KIND_FILTER_LIST:
        return pick(tree_.filter_lists, object, store::find_filter_list, "filter list",
                    [this](const store::FilterList& list) { add(list); });
      case proto::ReadRequest::KIND_FILTER_ACTION:
        return pick(tree_.filter_actions, object, store::find_filter_action, "filter action",
                    [this](const store::FilterAction& action) { add(action); });
      case proto::ReadRequest::KIND_RULE:
        return rules(object);
      default:
        return invalid(fmt::format("kind {} is not known", static_cast<int>(request_.kind())));
    }
  }

 private:
  template <typename T, typename Find, typename Add>
  Status pick(const std::vector<T>& all, const std::optional<store::Reference>& object, Find find,
              std::string_view kind, Add add_one) {
    if (!object) {
      std::for_each(all.begin(), all.end(), add_one);
      return {};
    }
    const T* found = find(tree_, *object);
    if (found == nullptr) return missing(kind, *object);
    add_one(*found);
    return {};
  }

  static Status missing(std::string_view kind, const store::Reference& reference) {
    const auto* text = std::get_if<std::string>(&reference);
    return not_found(
        fmt::format("there is no {} '{}'", kind, text != nullptr ? *text : std::get<store::Guid>(reference).text));
  }

  Status rules(const std::optional<store::Reference>& object) {
    const store::Policy* policy = store::find_policy(tree_, request_.policy());
    if (policy == nullptr) return missing("policy", request_.policy());
    return pick(
        policy->rules, object,
        [policy](const store::PolicyTree&, const store::Reference& reference) {
          return store::find_rule(*policy, reference);
        },
        "rule", [&](const store::Rule& rule) { *reply_.add_rules() = to_proto(rule, *policy, tree_); });
  }

  Status everything() {
    for (const store::Policy& policy : tree_.policies) add(policy);
    for (const store::FilterList& list : tree_.filter_lists) add(list);
    for (const store::FilterAction& action : tree_.filter_actions) add(action);
    return {};
  }

  void add(const store::Policy& policy) { *reply_.add_policies() = to_proto(policy, tree_, request_.with_children()); }
  void add(const store::FilterList& list) { *reply_.add_filter_lists() = to_proto(list, request_.with_children()); }
  void add(const store::FilterAction& action) { *reply_.add_filter_actions() = to_proto(action); }

  const proto::ReadRequest& request_;
  const store::PolicyTree& tree_;
  proto::ReadReply& reply_;
};

}  // namespace

Status read_objects(const proto::ReadRequest& request, const store::PolicyTree& tree, proto::ReadReply& reply) {
  return TreeReader(request, tree, reply).run();
}

}  // namespace ipsec::agent
