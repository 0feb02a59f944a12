#include "services/common/account.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace ipsec {

namespace {

constexpr std::size_t kLongestEntry = 16384;

Status failed(const char* what, const Account& account) {
  return refused(fmt::format("{} account '{}' (user {}, group {}): {}", what, account.name, account.user, account.group,
                             std::strerror(errno)));
}

}  // namespace

std::optional<Account> find_account(const char* name) {
  std::vector<char> buffer(kLongestEntry);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  if (found->pw_uid == 0 || found->pw_gid == 0) return std::nullopt;
  return Account{name, found->pw_uid, found->pw_gid};
}

Status join_group(const Account& account) {
  const int count = getgroups(0, nullptr);
  if (count < 0) return failed("cannot join the group of", account);
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgroups(count, groups.data()) != count) return failed("cannot join the group of", account);
  if (getegid() == account.group || std::find(groups.begin(), groups.end(), account.group) != groups.end()) return {};
  groups.push_back(account.group);
  if (setgroups(groups.size(), groups.data()) != 0) return failed("cannot join the group of", account);
  return {};
}

Status become(const Account& account) {
  // glibc has every thread do what these do.
  if (initgroups(account.name.c_str(), account.group) != 0 ||
      setresgid(account.group, account.group, account.group) != 0 ||
      setresuid(account.user, account.user, account.user) != 0) {
    return failed("cannot become", account);
  }
  // The kernel has put it to what fs.suid_dumpable says.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (setresuid(0, 0, 0) == 0) return refused(fmt::format("account '{}' can become root again", account.name));
  return {};
}

}  // namespace ipsec
