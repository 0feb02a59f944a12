#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/time.h"
#include "store/model.h"

// Host names in filters: which there are, when to look them up again, and the answers in place of the addresses that
// were stored when the filter was written.
namespace ipsec::agent {

// Name as written -> addresses, sorted, each once; never empty.
using KnownNames = std::map<std::string, std::vector<IpAddress>>;

// The names that filters of the two use, sorted, each once; at most kMaxWatchedNames, the others keep the addresses
// that are stored.
std::vector<std::string> names_in(const store::PolicyTree& tree, const store::DynamicPolicy& dynamic);

// Puts the known addresses in place. True if a filter has other addresses now.
bool put_addresses(const KnownNames& known, store::PolicyTree& tree);
bool put_addresses(const KnownNames& known, store::DynamicPolicy& dynamic);

// What a resolver says. No addresses: nothing is known, for a while or for good.
struct NameAnswer {
  std::vector<IpAddress> addresses;
  std::optional<Duration> lifetime;  // as the DNS server says; absent: from a source that says none
};

// When to look up which name. An answer holds for its lifetime, within kShortestNameLifetime and kLongestNameLifetime.
class NameSchedule {
 public:
  // From now on these; new ones are due at once.
  void set_names(const std::vector<std::string>& names, Timestamp now);
  // All are due, as soon as kShortestNameLifetime has passed since they were looked up last.
  void look_again(Timestamp now);

  // The name that is due longest; nothing: none is.
  std::optional<std::string> due(Timestamp now) const;
  Timestamp next() const;
  // The answer for a name, which is due again when it is over. True: it has addresses, and others than the one before.
  // Names that are not looked up any more are passed over.
  bool answered(const std::string& name, NameAnswer& answer, Timestamp now);

 private:
  struct Entry {
    Timestamp due;
    Timestamp looked_up{Duration::min()};
    std::vector<IpAddress> addresses;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace ipsec::agent
