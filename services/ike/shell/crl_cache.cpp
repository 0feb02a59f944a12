#include "services/ike/shell/crl_cache.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "services/common/crypto/hash.h"
#include "services/common/files.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

namespace {

constexpr std::string_view kSuffix = ".crl";

std::string file_name(const std::string& point) {
  return to_hex(hash(Integrity::kSha256, {as_bytes(point)})) + std::string(kSuffix);
}

}  // namespace

CrlCache::CrlCache(std::string directory, std::int64_t now) : directory_(std::move(directory)) {
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error); error) {
    problems_.push_back(
        fmt::format("{} cannot be made: {}; revocation lists are kept in memory only", directory_, error.message()));
    return;
  }
  std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  for (const auto& each : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = each.path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    const auto content = read_file(each.path().string(), kMaxCrlSize);
    const auto list = content.ok() ? Crl::parse(as_bytes(*content)) : Result<Crl>(content.status());
    if (!list.ok())
      problems_.push_back(fmt::format("{}: {}; it is removed", each.path().string(), list.status().message()));
    const bool keeps = list.ok() && list->is_current(now) && entries_.size() < kMaxCachedCrls;
    if (keeps) {
      entries_.emplace(name, Entry{*list, content->size()});
    } else {
      std::filesystem::remove(each.path(), error);
    }
  }
}

void CrlCache::remove(std::map<std::string, Entry>::iterator entry) {
  std::error_code error;
  std::filesystem::remove(directory_ + "/" + entry->first, error);
  entries_.erase(entry);
}

void CrlCache::make_room(std::size_t octets) {
  const auto total = [this] {
    std::size_t sum = 0;
    for (const auto& [name, entry] : entries_) sum += entry.octets;
    return sum;
  };
  while (!entries_.empty() && (entries_.size() >= kMaxCachedCrls || total() + octets > kMaxCachedCrlOctets)) {
    remove(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second.list.next_update() < b.second.list.next_update();
    }));
  }
}

Status CrlCache::add(const std::string& point, const Crl& list, ByteView octets) {
  const std::string name = file_name(point);
  if (const auto older = entries_.find(name); older != entries_.end()) entries_.erase(older);
  make_room(octets.size());
  entries_.emplace(name, Entry{list, octets.size()});
  return write_private_file(directory_ + "/" + name, {reinterpret_cast<const char*>(octets.data()), octets.size()});
}

std::vector<Crl> CrlCache::lists(std::int64_t now) {
  std::vector<Crl> running;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->second.list.is_current(now)) {
      running.push_back(entry->second.list);
    } else {
      remove(entry);
    }
    entry = next;
  }
  return running;
}

}  // namespace ipsec::ike
