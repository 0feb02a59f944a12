#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "services/common/bytes.h"
#include "services/ike/certificates/revocation.h"

// Fetched revocation lists, in memory and in a directory that outlives the process (CRL-07). A list is believed because
// its issuer signed it, which every check verifies, not because it lies here.
namespace ipsec::ike {

class CrlCache {
 public:
  // Blocking. Reads what an earlier process kept in `directory`, which is made where it is not there; what does not
  // parse, or has run out, is removed.
  CrlCache(std::string directory, std::int64_t now);

  // In the place of the list of this distribution point. The ones that run out first make room. The error is of the
  // disk: the list is used all the same.
  Status add(const std::string& point, const Crl& list, ByteView octets);
  // Those that still run.
  std::vector<Crl> lists(std::int64_t now);

  // What was wrong when it was opened, for events.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Entry {
    Crl list;
    std::size_t octets = 0;
  };
  void remove(std::map<std::string, Entry>::iterator entry);
  void make_room(std::size_t octets);

  std::string directory_;
  std::map<std::string, Entry> entries_;  // by file name, which is a hash of the distribution point
  std::vector<std::string> problems_;
};

}  // namespace ipsec::ike
