#pragma once

#include <memory>
#include <optional>
#include <string>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "store/key_vault.h"
#include "store/model.h"

// A store that policies are read from and that others administer: a file on a share, a directory.
namespace ipsec::store {

// What is assigned there to this host.
struct SourcePolicy {
  PolicyTree tree;      // the assigned policy and what its rules use; nothing else. Empty: none is assigned.
  std::string version;  // of the content; equal texts mean that nothing has changed
};

// May be slow, or hang with the server behind it: never called from a loop that has other work. Used by one thread at a
// time. An error means that nothing is known about what is assigned now (server away, file half-written or damaged,
// policy not valid); its text names the location.
class PolicySource {
 public:
  virtual ~PolicySource() = default;
  virtual const std::string& location() const = 0;
  // Nothing where the content is still that of version `known` (empty: no version is known). The policy is whole, and
  // valid by validate(); preshared keys that cannot be opened are unopened.
  virtual Result<std::optional<SourcePolicy>> load_newer(const std::string& known) = 0;
  // Everything that is stored, for administration.
  virtual Result<PolicyTree> load_everything() = 0;
};

struct SourceOptions {
  std::string scratch_directory;  // of this process alone; copies of what is read are there for the time of a load
  KeyVault vault = KeyVault::clear();
};

// The path of "sqlite:PATH" (an absolute one). kInvalid says which URIs are accepted.
Result<std::string> sqlite_path(const std::string& uri);

// `random` must outlive it.
Result<std::unique_ptr<PolicySource>> make_source(const std::string& uri, SourceOptions options, RandomSource& random);

}  // namespace ipsec::store
