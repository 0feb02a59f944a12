#include "services/policyagent/shell/central_store.h"

#include <filesystem>

#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/slow_call.h"

namespace ipsec::agent {
namespace {

bool is_ready(const CentralStore::Pending& pending) {
  return pending.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

Result<std::unique_ptr<CentralStore>> CentralStore::make(Settings settings, RandomSource& random) {
  IPSEC_ASSIGN_OR_RETURN(std::unique_ptr<store::PolicySource> source,
                         store::make_source(settings.uri, {settings.scratch_directory, settings.vault}, random));
  return over(std::move(settings), std::move(source), random);
}

Result<std::unique_ptr<CentralStore>> CentralStore::over(Settings settings, std::shared_ptr<store::PolicySource> source,
                                                         RandomSource& random) {
  IPSEC_ASSIGN_OR_RETURN(std::string path, store::sqlite_path(settings.uri));
  return std::unique_ptr<CentralStore>(
      new CentralStore(std::move(settings), std::move(path), std::move(source), random));
}

CentralStore::CentralStore(Settings settings, std::string path, std::shared_ptr<store::PolicySource> source,
                           RandomSource& random)
    : settings_(std::move(settings)), path_(std::move(path)), source_(std::move(source)), random_(random) {}

Result<CentralStore::Pending> CentralStore::ask(std::string known, int wake) {
  if (asked_.valid() && !is_ready(asked_)) return unavailable(no_answer());
  IPSEC_ASSIGN_OR_RETURN(asked_,
                         start_slow_call<std::optional<store::SourcePolicy>>(
                             [source = source_, known = std::move(known)] { return source->load_newer(known); }, wake));
  return asked_;
}

bool CentralStore::came_back() {
  if (!asked_.valid() || !is_ready(asked_)) return false;
  asked_ = {};
  return true;
}

Result<store::PolicyTree> CentralStore::read() {
  return within_patience<store::PolicyTree>([path = path_, uri = settings_.uri, scratch = settings_.scratch_directory,
                                             vault = settings_.vault,
                                             &random = random_]() -> Result<store::PolicyTree> {
    const std::filesystem::path file(path);
    if (!std::filesystem::exists(file) && std::filesystem::is_directory(file.parent_path())) return store::PolicyTree();
    IPSEC_ASSIGN_OR_RETURN(const std::unique_ptr<store::PolicySource> source,
                           store::make_source(uri, {scratch, vault}, random));
    return source->load_everything();
  });
}

Result<store::Problems> CentralStore::change(std::function<Result<store::Problems>(store::PolicyStore&)> make) {
  return within_patience<store::Problems>(
      [path = path_, vault = settings_.vault, &random = random_, make = std::move(make)]() -> Result<store::Problems> {
        store::StoreOptions options;
        options.vault = vault;
        options.write_ahead = false;
        // A file that others are just putting there must not be taken for one that has to be made.
        options.existing = std::filesystem::exists(path);
        IPSEC_ASSIGN_OR_RETURN(store::PolicyStore store, store::PolicyStore::open(path, std::move(options), random));
        return make(store);
      });
}

template <typename T>
Result<T> CentralStore::within_patience(std::function<Result<T>()> work) {
  if (++*hanging_ > limits::kMaxCentralCalls) {
    --*hanging_;
    return unavailable(no_answer());
  }
  auto answer = start_slow_call<T>([work = std::move(work), hanging = hanging_] {
    auto result = work();
    --*hanging;
    return result;
  });
  if (!answer.ok()) {
    --*hanging_;
    return answer.status();
  }
  if (answer->wait_for(settings_.patience) != std::future_status::ready) return unavailable(no_answer());
  return answer->get();
}

std::string CentralStore::no_answer() const {
  return fmt::format("central store {} does not answer within {} s", settings_.uri,
                     std::chrono::duration_cast<std::chrono::seconds>(settings_.patience).count());
}

}  // namespace ipsec::agent
