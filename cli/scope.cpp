#include "cli/scope.h"

#include "services/common/secret.h"

namespace ipsec::cli {

namespace {

void wipe_keys(proto::StoredAuthenticationList& list) {
  for (proto::StoredAuthentication& method : *list.mutable_methods()) {
    if (!method.has_preshared_key()) continue;
    std::string& key = *method.mutable_preshared_key()->mutable_key();
    wipe_memory(key.data(), key.size());
  }
}

bool is_same_store(const proto::StoreLocation& a, const proto::StoreLocation& b) {
  return a.kind() == b.kind() && a.domain() == b.domain();
}

}  // namespace

void wipe_keys(proto::Change& change) {
  if (change.has_add_policy()) wipe_keys(*change.mutable_add_policy()->mutable_default_rule_authentication());
  if (change.has_add_rule()) wipe_keys(*change.mutable_add_rule()->mutable_authentication());
  if (change.has_set_rule()) wipe_keys(*change.mutable_set_rule()->mutable_authentication());
  if (change.has_set_default_rule()) wipe_keys(*change.mutable_set_default_rule()->mutable_authentication());
  if (change.has_add_dynamic_rule()) wipe_keys(*change.mutable_add_dynamic_rule()->mutable_authentication());
  if (change.has_set_dynamic_rule()) wipe_keys(*change.mutable_set_dynamic_rule()->mutable_authentication());
}

AgentScope::~AgentScope() {
  if (holds_back_) static_cast<void>(set_batch(false));
  discard();
}

template <typename Request>
Request AgentScope::in_store(Request request) const {
  // A scope in front of this one may have said which.
  const bool is_stated = request.store().kind() != proto::StoreLocation::KIND_LOCAL;
  if (!is_stated && store_.kind() != proto::StoreLocation::KIND_LOCAL) *request.mutable_store() = store_;
  return request;
}

Status AgentScope::check_not_staging(std::string_view what) const {
  if (!is_staging_) return {};
  return refused(fmt::format("{} cannot be undone and so has no place in a script that is run with --strict", what));
}

Status AgentScope::set_batch(bool enabled) {
  is_batch_ = enabled;
  if (enabled || !holds_back_) return {};
  holds_back_ = false;
  return agent_.reload().status();
}

std::string AgentScope::origin_of(std::size_t change) const {
  return change < origins_.size() ? origins_[change] : std::string();
}

Result<proto::ApplyReply> AgentScope::commit() {
  is_staging_ = false;
  Result<proto::ApplyReply> reply =
      staged_.changes().empty() ? Result<proto::ApplyReply>(proto::ApplyReply()) : apply(staged_);
  for (proto::Change& change : *staged_.mutable_changes()) wipe_keys(change);
  staged_.Clear();
  return reply;
}

void AgentScope::discard() {
  is_staging_ = false;
  for (proto::Change& change : *staged_.mutable_changes()) wipe_keys(change);
  staged_.Clear();
  origins_.clear();
}

Result<proto::ApplyReply> AgentScope::apply(const proto::ApplyRequest& request) {
  proto::ApplyRequest sent = in_store(request);
  if (is_staging_) {
    if (!staged_.changes().empty() && !is_same_store(staged_.store(), sent.store())) {
      return refused("a script that is run with --strict changes one store only");
    }
    *staged_.mutable_store() = sent.store();
    staged_.mutable_changes()->MergeFrom(sent.changes());
    origins_.resize(static_cast<std::size_t>(staged_.changes_size()), origin_);
    return proto::ApplyReply();
  }
  sent.set_batch(sent.batch() || is_batch_);
  auto reply = agent_.apply(sent);
  holds_back_ = holds_back_ || (sent.batch() && reply.ok() && reply->problems().empty());
  for (proto::Change& change : *sent.mutable_changes()) wipe_keys(change);
  return reply;
}

Result<proto::ReadReply> AgentScope::read(const proto::ReadRequest& request) {
  proto::ReadRequest sent = in_store(request);
  if (is_staging_ && is_same_store(staged_.store(), sent.store())) *sent.mutable_as_if() = staged_.changes();
  auto reply = agent_.read(sent);
  for (proto::Change& change : *sent.mutable_as_if()) wipe_keys(change);
  return reply;
}

Result<proto::ExportReply> AgentScope::export_policies(const proto::ExportRequest& request) {
  IPSEC_RETURN_IF_ERROR(check_not_staging("an export"));
  return agent_.export_policies(in_store(request));
}

Result<proto::ImportReply> AgentScope::import_policies(const proto::ImportRequest& request) {
  IPSEC_RETURN_IF_ERROR(check_not_staging("an import"));
  return agent_.import_policies(in_store(request));
}

Result<proto::LintReply> AgentScope::lint(const proto::LintRequest& request) { return agent_.lint(in_store(request)); }

Result<proto::DeleteMainModeSasReply> AgentScope::delete_main_mode_sas(const proto::DeleteMainModeSasRequest& request) {
  IPSEC_RETURN_IF_ERROR(check_not_staging("deleting security associations"));
  return agent_.delete_main_mode_sas(request);
}

Result<proto::ApplyReply> AgentScope::add_manual_sa(const proto::AddManualSaRequest& request) {
  IPSEC_RETURN_IF_ERROR(check_not_staging("adding a manual SA"));
  return agent_.add_manual_sa(request);
}

Result<proto::DeleteManualSasReply> AgentScope::delete_manual_sas(const proto::DeleteManualSasRequest& request) {
  IPSEC_RETURN_IF_ERROR(check_not_staging("deleting security associations"));
  return agent_.delete_manual_sas(request);
}

Result<proto::ReloadReply> AgentScope::reload() {
  IPSEC_RETURN_IF_ERROR(check_not_staging("refresh"));
  holds_back_ = false;
  return agent_.reload();
}

}  // namespace ipsec::cli
