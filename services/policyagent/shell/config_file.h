#pragma once

#include <string>

#include "services/common/files.h"
#include "services/common/result.h"
#include "store/config.h"

// The properties of `set config`, as the agent keeps them: one JSON object of names and values, mode 0600.
namespace ipsec::agent {

// No file is no property set. kInvalid: the file is damaged, or has a property or value that is not known; it names the
// file and what is accepted.
Result<store::Config> read_config(const std::string& path);

// The new file, to be committed with what belongs to it.
Result<FileDraft> draft_config(const std::string& path, const store::Config& config);

}  // namespace ipsec::agent
