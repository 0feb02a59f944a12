#include <filesystem>

#include "cli/commands/changes.h"
#include "cli/commands/running.h"
#include "cli/limits.h"
#include "cli/text.h"
#include "cli/words.h"
#include "services/common/files.h"

// SAs as the driver has them, and those that an administrator keys by hand (ARC-09).
namespace ipsec::cli {

namespace {

struct Keys {
  SecretBytes encryption;
  SecretBytes integrity;
  SecretBytes ah;

  // nullptr: no key has this tag.
  SecretBytes* of(std::string_view tag) {
    if (equal_ignoring_case(tag, "enckey")) return &encryption;
    if (equal_ignoring_case(tag, "authkey")) return &integrity;
    return equal_ignoring_case(tag, "ahkey") ? &ah : nullptr;
  }
};

// Nobody but its owner may read it.
Status check_private(const std::string& path) {
  using std::filesystem::perms;
  std::error_code error;
  const perms mode = std::filesystem::status(path, error).permissions();
  if (error) return invalid(fmt::format("'{}': {}", path, error.message()));
  const perms others = mode & (perms::group_all | perms::others_all);
  if (others == perms::none) return {};
  return refused(fmt::format("'{}' has mode {:04o}, so that others may read the keys; it needs 0600 (chmod 600)", path,
                             static_cast<unsigned>(mode & perms::mask)));
}

Status read_key_line(std::string_view line, const std::string& where, Keys& keys) {
  const std::size_t end = line.find_last_not_of(" \t\r");
  line = end == std::string_view::npos ? std::string_view() : line.substr(0, end + 1);
  if (line.empty() || line.front() == '#') return {};
  const std::size_t equals = line.find('=');
  SecretBytes* const key = equals == std::string_view::npos ? nullptr : keys.of(line.substr(0, equals));
  if (key == nullptr) return invalid(where + ": expected enckey=, authkey= or ahkey= and a key");
  if (!key->empty()) return invalid(fmt::format("{}: {} is given twice", where, line.substr(0, equals)));
  auto parsed = parse_key(line.substr(equals + 1));
  if (!parsed.ok()) return with_context(parsed.status(), where);
  *key = *std::move(parsed);
  return {};
}

Status read_key_lines(std::string_view content, const std::string& path, Keys& keys) {
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    IPSEC_RETURN_IF_ERROR(read_key_line(content.substr(0, end), fmt::format("'{}', line {}", path, number), keys));
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return {};
}

Result<Keys> keys_of(const Command& command) {
  Keys keys;
  if (const auto* path = command.get<std::string>("keyfile")) {
    IPSEC_RETURN_IF_ERROR(check_private(*path));
    IPSEC_ASSIGN_OR_RETURN(std::string content, read_file(*path, kLargestKeyFile));
    const Status status = read_key_lines(content, *path, keys);
    wipe_memory(content.data(), content.size());
    IPSEC_RETURN_IF_ERROR(status);
  }
  for (const Argument& argument : command.arguments) {
    const auto* given = std::get_if<SecretBytes>(&argument.value);
    if (given == nullptr) continue;
    SecretBytes& key = *keys.of(argument.parameter->tag);
    if (!key.empty()) return invalid(fmt::format("'{}' is on the line and in the file", argument.parameter->tag));
    key = *given;
  }
  return keys;
}

Status set_tunnel(const Command& command, Services& services, proto::AddManualSaRequest& request) {
  if (const auto* source = command.get<AddressValue>("tunnelsrcaddress")) {
    IPSEC_ASSIGN_OR_RETURN(*request.mutable_tunnel_source(), tunnel_end(*source, services));
  }
  if (const auto* destination = command.get<AddressValue>("tunneldstaddress")) {
    IPSEC_ASSIGN_OR_RETURN(*request.mutable_tunnel_destination(), tunnel_end(*destination, services));
  }
  return {};
}

void wipe(std::string& key) { wipe_memory(key.data(), key.size()); }

Outcome delete_manual(const Command& command, Services& services, const proto::Address* peer) {
  proto::DeleteManualSasRequest request;
  request.set_spi(command.number("spi", 0));
  if (peer != nullptr) *request.mutable_peer() = *peer;
  const auto reply = services.agent.delete_manual_sas(request);
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (reply->deleted() != 0 || request.spi() == 0) return done();
  return failure(kManualSaNotFound,
                 fmt::format("spi: no manual SA has the SPI {:#010x}{}; `show sas type=manual` lists them",
                             request.spi(), peer == nullptr ? "" : " and this peer"));
}

Outcome delete_negotiated(Services& services, const proto::Address* peer) {
  proto::DeleteMainModeSasRequest request;
  request.set_quick_mode_too(true);
  if (peer != nullptr) *request.mutable_peer() = *peer;
  const auto reply = services.agent.delete_main_mode_sas(request);
  return reply.ok() ? done() : call_failed(services.agent, reply.status());
}

bool is_wanted(const Command& command, const proto::Sa& sa) {
  const std::string type = command.text("type");
  const std::uint32_t spi = command.number("spi", 0);
  const bool fits_type = type.empty() || type == "all" || (type == "manual") == sa.manual();
  return fits_type && (spi == 0 || sa.spi() == spi || (sa.has_ah() && sa.ah().spi() == spi));
}

}  // namespace

Outcome add_sa(const Command& command, Services& services) {
  const auto keys = keys_of(command);
  if (!keys.ok()) return failure(kFileFailed, keys.status().message());
  proto::AddManualSaRequest request;
  if (const Status status = set_tunnel(command, services, request); !status.ok()) {
    return failure(kNameNotResolved, status.message());
  }
  *request.mutable_traffic() = filter_of(command);
  request.set_spi(command.number("spi", 0));
  request.set_ah_spi(command.number("ahspi", 0));
  *request.mutable_method() = to_proto(*command.get<std::vector<QuickModeOffer>>("method")).offers(0);
  request.set_extended_sequence(command.yes("esn", false));
  request.set_replay_window(command.number("replaywindow", 0));
  request.set_lifetime_seconds(command.number("lifetime", 0));
  request.set_lifetime_kilobytes(command.number("kilobytes", 0));
  request.set_encryption_key(std::string(keys->encryption.reveal_text()));
  request.set_integrity_key(std::string(keys->integrity.reveal_text()));
  request.set_ah_key(std::string(keys->ah.reveal_text()));
  const auto reply = services.agent.add_manual_sa(request);
  wipe(*request.mutable_encryption_key());
  wipe(*request.mutable_integrity_key());
  wipe(*request.mutable_ah_key());
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (reply->problems().empty()) return done();
  return {problem_texts(reply->problems()), true};
}

Outcome delete_sa(const Command& command, Services& services) {
  std::optional<proto::Address> peer;
  if (const auto* given = command.get<AddressValue>("peer")) {
    auto address = tunnel_end(*given, services);
    if (!address.ok()) return failure(kNameNotResolved, address.status().message());
    peer = *std::move(address);
  }
  const proto::Address* const of_peer = peer ? &*peer : nullptr;
  const std::string type = command.text("type");
  if (command.find("spi") != nullptr || type == "manual") return delete_manual(command, services, of_peer);
  Outcome outcome = delete_negotiated(services, of_peer);
  return type == "all" && !outcome.failed ? delete_manual(command, services, of_peer) : outcome;
}

Outcome show_sas(const Command& command, Services& services) {
  auto reply = services.agent.quick_mode_sas();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const auto narrowing = narrowing_of_sas(command, services);
  if (!narrowing.ok()) return narrowing_failed(services, narrowing.status());
  keep_if(reply->mutable_sas(), [&](const proto::SaStatus& status) {
    return is_wanted(command, status.sa()) && narrowing->admits(status.sa().selector());
  });
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_sas(*reply, show_options(command, services)), false};
}

}  // namespace ipsec::cli
