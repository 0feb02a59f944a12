#include "services/policyagent/shell/policy_messages.h"

#include <string>
#include <utility>

#include "services/common/rpc/convert.h"
#include "services/common/rpc/wipe_keys.h"
#include "services/policyagent/core/list_difference.h"
#include "services/policyagent/shell/generic_main_mode.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/policy_conversion.h"

namespace ipsec::agent {
namespace {

using Filters = std::vector<const SpecificFilter*>;

Filters all_filters(const PolicyInForce* policy) {
  Filters filters;
  if (policy == nullptr) return filters;
  filters.reserve(policy->policy.filters.size());
  for (const auto& filter : policy->policy.filters.pointers()) filters.push_back(filter.get());
  return filters;
}

Filters those_that_negotiate(const PolicyInForce* policy) {
  Filters filters = all_filters(policy);
  std::erase_if(filters, [](const SpecificFilter* filter) { return filter->action != store::Action::kNegotiate; });
  return filters;
}

// Fills messages up to kElementsPerMessage and sends those that are full.
template <typename Message>
class PartStream {
 public:
  explicit PartStream(const std::function<bool(const Message&)>& send) : send_(send) {}

  Message& message() { return message_; }
  // One more element is in the message.
  void added() {
    if (++elements_ == limits::kElementsPerMessage) flush();
  }
  bool is_open() const { return open_; }
  void flush() {
    if (open_) open_ = send_(message_);
    if constexpr (std::is_same_v<Message, proto::IkePolicyUpdate>) rpc::wipe_keys(message_);
    message_.Clear();
    elements_ = 0;
  }

 private:
  const std::function<bool(const Message&)>& send_;
  Message message_;
  std::size_t elements_ = 0;
  bool open_ = true;
};

// The parts of an update: the first names the base, the last commits.
template <typename Message>
class UpdateStream : public PartStream<Message> {
 public:
  UpdateStream(const PolicyInForce* base, const std::function<bool(const Message&)>& send) : PartStream<Message>(send) {
    this->message().set_base_version(base == nullptr ? 0 : base->version);
  }
  void finish() {
    this->message().set_commit(true);
    this->flush();
  }
};

template <typename Message>
void add_filters(UpdateStream<Message>& stream, const Filters& filters, const Filters& base,
                 const std::string& policy_name) {
  const ListDifference different = ListComparison(base, filters).run();
  for (const std::uint64_t id : different.removed) {
    stream.message().mutable_change()->add_removed(id);
    stream.added();
  }
  for (const std::size_t place : different.inserted) {
    if (!stream.is_open()) return;
    *stream.message().mutable_change()->add_inserted() = to_proto(*filters[place], place, policy_name);
    stream.added();
  }
}

void add_main_mode_filters(UpdateStream<proto::IkePolicyUpdate>& stream, const SharedList<MainModeFilter>& filters,
                           const SharedList<MainModeFilter>& base) {
  const ListDifference different = difference(base, filters);
  for (const std::uint64_t id : different.removed) {
    stream.message().mutable_main_mode_change()->add_removed(id);
    stream.added();
  }
  for (const std::size_t place : different.inserted) {
    if (!stream.is_open()) return;
    proto::InsertedMainModeFilter& inserted = *stream.message().mutable_main_mode_change()->add_inserted();
    inserted.set_index(static_cast<std::uint32_t>(place));
    *inserted.mutable_filter() = to_proto(filters[place], Secrets::kInclude);
    stream.added();
  }
}

}  // namespace

void for_each_update(const PolicyInForce& policy, const PolicyInForce* base,
                     const std::function<bool(const proto::DriverPolicyUpdate&)>& send) {
  UpdateStream<proto::DriverPolicyUpdate> stream(base, send);
  *stream.message().mutable_settings() = driver_settings(policy);
  add_filters(stream, all_filters(&policy), all_filters(base), policy.policy.policy_name);
  stream.message().mutable_change()->set_count(static_cast<std::uint32_t>(policy.policy.filters.size()));
  stream.finish();
}

void for_each_update(const PolicyInForce& policy, const PolicyInForce* base,
                     const std::function<bool(const proto::IkePolicyUpdate&)>& send) {
  UpdateStream<proto::IkePolicyUpdate> stream(base, send);
  *stream.message().mutable_settings() = ike_settings(policy, Secrets::kInclude);
  if (base != nullptr && base->policy.quick_mode_policies == policy.policy.quick_mode_policies) {
    stream.message().mutable_settings()->clear_quick_mode_policies();
    stream.message().set_keeps_quick_mode_policies(true);
  }
  const Filters filters = those_that_negotiate(&policy);
  add_filters(stream, filters, those_that_negotiate(base), policy.policy.policy_name);
  const SharedList<MainModeFilter>& main_mode = policy.policy.main_mode_filters;
  add_main_mode_filters(stream, main_mode,
                        base == nullptr ? SharedList<MainModeFilter>() : base->policy.main_mode_filters);
  stream.message().mutable_change()->set_count(static_cast<std::uint32_t>(filters.size()));
  stream.message().mutable_main_mode_change()->set_count(static_cast<std::uint32_t>(main_mode.size()));
  stream.finish();
}

void for_each_part(const PolicyInForce& in_force, const std::function<bool(const proto::CompiledPolicyReply&)>& send) {
  const CompiledPolicy& policy = in_force.policy;
  PartStream<proto::CompiledPolicyReply> parts(send);
  *parts.message().mutable_driver() = driver_settings(in_force);
  *parts.message().mutable_ike() = ike_settings(in_force, Secrets::kLeaveOut);
  for (std::size_t place = 0; place < policy.filters.size() && parts.is_open(); ++place) {
    proto::Filter filter = to_proto(policy.filters[place], place, policy.policy_name);
    if (policy.filters[place].action == store::Action::kNegotiate)
      *parts.message().mutable_ike()->add_filters() = filter;
    *parts.message().mutable_driver()->add_filters() = std::move(filter);
    parts.added();
  }
  for (const MainModeFilter& each : policy.main_mode_filters) {
    *parts.message().mutable_ike()->add_main_mode_filters() = to_proto(each, Secrets::kLeaveOut);
    parts.added();
  }
  for (const GenericFilter& each : policy.generic_filters) {
    *parts.message().add_generic_filters() = to_proto(each);
    parts.added();
  }
  for (proto::GenericMainModeFilter& each : generic_main_mode_filters(policy)) {
    *parts.message().add_generic_main_mode_filters() = std::move(each);
    parts.added();
  }
  parts.flush();
}

}  // namespace ipsec::agent
