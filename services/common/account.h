#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "services/common/result.h"

// The account of the system under which IKE runs, and what root does with it.
namespace ipsec {

// The IKE service speaks to the whole network, so it gets a user and a group that own nothing. The installer makes it.
inline constexpr const char* kIkeAccount = "policyagent-ike";
inline constexpr const char* kMakeIkeAccount =
    "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin policyagent-ike";

struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

// Nothing where this host has no such account, and of one that is root's.
std::optional<Account> find_account(const char* name);

// Adds the group to those of this process, so that it may give files of its own to it without CAP_CHOWN. Needs
// CAP_SETGID, unless it is a member already.
Status join_group(const Account& account);

// All threads of this process are this user from now on, with the groups that the administrator gave it, and without
// capabilities; there is no way back. Needs CAP_SETUID and CAP_SETGID. The process stays closed to core dumps.
Status become(const Account& account);

}  // namespace ipsec
