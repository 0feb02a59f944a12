#include "cli/arguments.h"
#include "cli/commands/commands.h"
#include "cli/limits.h"
#include "cli/text.h"
#include "services/common/files.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kExtension = ".ipsec";

struct Location {
  std::string_view word;
  proto::StoreLocation::Kind kind;
};
constexpr Location kLocations[] = {
    {"local", proto::StoreLocation::KIND_LOCAL},   {"persistent", proto::StoreLocation::KIND_PERSISTENT},
    {"domain", proto::StoreLocation::KIND_DOMAIN}, {"central", proto::StoreLocation::KIND_DOMAIN},
    {"cache", proto::StoreLocation::KIND_CACHE},
};

// The usual extension is added to a name that has none.
std::string export_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  const bool has_extension = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return has_extension ? path : path + std::string(kExtension);
}

}  // namespace

Outcome delete_all(const Command&, Services& services) {
  proto::Change change;
  change.mutable_delete_all();
  return apply_change(services, std::move(change));
}

Outcome show_stored(const Command& command, Services& services) {
  const auto objects = read_everything(services);
  if (!objects.ok()) return call_failed(services.agent, objects.status());
  if (wants_json(command, services)) return json_outcome(command, *objects);
  ShowOptions options = show_options(command, services);
  options.verbose = !options.table;
  std::string text = "Policies\n========\n\n" + format_policies(*objects, options);
  text += "\nFilterLists\n===========\n\n" + format_filter_lists(*objects, options);
  text += "\nFilterActions\n=============\n\n" + format_filter_actions(*objects, options);
  return {text, false};
}

Outcome show_store(const Command& command, Services& services) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_POLICY);
  auto objects = services.agent.read(request);
  if (!objects.ok()) return call_failed(services.agent, objects.status());
  auto status = services.agent.status();
  if (!status.ok()) return call_failed(services.agent, status.status());
  proto::StoreListing listing;
  listing.set_store(objects->store());
  listing.mutable_stores()->Swap(status->mutable_stores());
  if (wants_json(command, services)) return json_outcome(command, listing);
  return {format_stores(listing), false};
}

Outcome export_policies(const Command& command, Services& services) {
  auto reply = export_everything(services, command.with_secrets);
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const std::string path = export_path(command.text("file"));
  const Status status = write_private_file(path, reply->json());
  wipe_memory(reply->mutable_json()->data(), reply->json().size());
  if (!status.ok()) return failure(kFileFailed, status.message());
  const std::string written = fmt::format("All policies are in {}", harmless(path));
  if (!command.with_secrets) return {written + ", without preshared keys (--with-secrets writes them).\n\n"};
  return {written +
          ".\nWARNING: it holds the preshared keys in clear text. Keep it where only administrators read, and "
          "delete it when it is no longer needed.\n\n"};
}

Outcome import_policies(const Command& command, Services& services) {
  auto content = read_file(command.text("file"), kLargestPolicyFile);
  if (!content.ok()) return failure(kFileFailed, content.status().message());
  proto::ImportRequest request;
  request.set_json(*std::move(content));
  const auto reply = services.agent.import_policies(request);
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (!reply->problems().empty()) return {problem_texts(reply->problems()), true};
  return {fmt::format("Imported: {} policies, {} filter lists, {} filter actions.\n\n", reply->policies(),
                      reply->filter_lists(), reply->filter_actions())};
}

// The agent is asked at once whether it has that store, so that no later line works on another one.
Outcome set_store(const Command& command, Services& services) {
  if (services.scope == nullptr) return failure(kShellMisused, "no store can be set here");
  proto::StoreLocation store;
  for (const Location& location : kLocations) {
    if (location.word == command.text("location")) store.set_kind(location.kind);
  }
  if (command.find("domain") != nullptr && store.kind() != proto::StoreLocation::KIND_DOMAIN) {
    return failure(code_of(ParseErrorKind::kWrongCombination), "'domain' goes with location=domain only");
  }
  store.set_domain(command.text("domain"));
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_POLICY);
  const proto::StoreLocation before = services.scope->store();
  services.scope->set_store(store);
  const auto reply = services.agent.read(request);
  if (reply.ok()) return done();
  services.scope->set_store(before);
  return call_failed(services.agent, reply.status());
}

Outcome set_batch(const Command& command, Services& services) {
  if (services.scope == nullptr) return failure(kShellMisused, "no batch can be begun here");
  const Status status = services.scope->set_batch(command.text("mode") == "enable");
  return status.ok() ? done() : call_failed(services.agent, status);
}

Outcome show_gpo_assigned_policy(const Command& command, Services& services) {
  const auto status = services.agent.status();
  if (!status.ok()) return call_failed(services.agent, status.status());
  if (wants_json(command, services)) return json_outcome(command, *status);
  const bool is_from_domain = status->state() == "Central" || status->state() == "Cached";
  if (!is_from_domain) return {"No policy of the domain is assigned to this computer.\n\n"};
  return {field("Policy Name", status->policy_name()) + field("Store", store_text(status->state())) + "\n"};
}

}  // namespace ipsec::cli
