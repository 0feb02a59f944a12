#include "services/policyagent/shell/open_stores.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>

#include "store/key_file.h"
#include "store/private_file.h"

namespace ipsec::agent {
namespace {

// Copies of a central store, with its keys, for the time of a load. What a killed agent left there goes first.
Result<std::string> make_scratch_directory(const std::string& runtime_directory) {
  const std::string path = runtime_directory + "/scratch";
  std::error_code error;
  std::filesystem::remove_all(path, error);
  std::filesystem::create_directories(runtime_directory, error);
  if (mkdir(path.c_str(), 0700) == 0) return path;
  return unavailable(fmt::format("cannot make the directory '{}': {}", path, std::strerror(errno)));
}

// A policy store that others could write may be wrong, but without it nothing would be filtered at all: its rights are
// taken back, and somebody is told.
Status mend_rights(const std::string& store_path, EventLog& events) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    IPSEC_ASSIGN_OR_RETURN(const std::string repaired, store::make_private(store_path + suffix));
    if (!repaired.empty()) events.add(Severity::kError, "store_made_private", repaired, {{"store", "local"}});
  }
  return {};
}

void report_key(const store::KeyFound& key, EventLog& events) {
  for (const std::string& repaired : key.repaired) events.add(Severity::kError, "key_file_made_private", repaired);
  if (key.made)
    events.add(Severity::kInformation, "key_file_made",
               fmt::format("preshared keys are sealed with the new key file {}", key.source));
  if (!key.problem.empty()) {
    events.add(
        Severity::kError, "key_file_lost",
        fmt::format("preshared keys that are sealed with it cannot be used, the other policies are: {}", key.problem),
        {{"file", key.source}});
  }
}

Result<std::unique_ptr<CentralStore>> open_central(const daemon::Options& options, EventLog& events) {
  CentralStore::Settings settings;
  settings.uri = options.agent.central_store;
  settings.patience = std::chrono::seconds(options.agent.central_timeout_seconds);
  IPSEC_ASSIGN_OR_RETURN(settings.scratch_directory, make_scratch_directory(options.runtime_directory));
  if (!options.agent.central_key.empty()) {
    const store::KeyFound key = store::read_key(options.agent.central_key);
    report_key(key, events);
    settings.vault = key.vault;
  }
  auto central = CentralStore::make(std::move(settings));
  if (!central.ok()) return with_context(central.status(), "option central-store");
  return central;
}

// The file is not touched if it cannot be used: what it says may be needed once somebody has mended it.
LocalStore open_local(const std::string& path, const store::StoreOptions& options, EventLog& events) {
  if (mend_rights(path, events).ok()) {
    auto opened = store::PolicyStore::open(path, options);
    if (opened.ok()) return std::move(opened).value();
  }
  LocalStore unusable(path, options);
  if (const Status why = unusable.get().status(); !why.ok()) {
    events.add(Severity::kError, "local_store_unusable", why.message(), {{"store", "local"}, {"file", path}});
  }
  return unusable;
}

}  // namespace

Result<AgentStores> open_stores(const daemon::Options& options, EventLog& events) {
  const std::string path = options.state_directory + "/policy.db";
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  store::KeyPlace place;
  if (credentials != nullptr) place.credentials_directory = credentials;
  place.file = options.agent.key_file.empty() ? options.state_directory + "/policy.key" : options.agent.key_file;
  const store::KeyFound key = store::find_key(place, path, system_random());
  report_key(key, events);
  store::StoreOptions store_options;
  store_options.vault = key.vault;
  AgentStores stores(open_local(path, store_options, events));
  stores.default_polling_minutes = options.agent.polling_interval_minutes;
  stores.marker_path = options.state_directory + "/policy.in-force";
  if (options.agent.central_store.empty()) return stores;
  IPSEC_ASSIGN_OR_RETURN(stores.central, open_central(options, events));
  stores.cache = std::make_unique<PolicyCache>(options.state_directory + "/cache.db", key.vault);
  return stores;
}

}  // namespace ipsec::agent
