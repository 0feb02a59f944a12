#pragma once

#include "cli/session.h"

namespace ipsec::cli {

// The interactive shell on standard input and output: editing, history and completion by libedit on a terminal, plain
// lines otherwise. Lines with a preshared key are left out of the history. Ends with `exit` or the end of the input;
// true if no line failed.
bool run_prompt(Session& session);

}  // namespace ipsec::cli
