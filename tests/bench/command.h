#pragma once

#include <functional>

#include "services/common/result.h"
#include "tests/bench/report.h"

namespace CLI {
class App;
}

namespace ipsec::bench {

// A subcommand: declares its options on `app`; the returned function measures and fills the report. A benchmark whose
// result would be wrong (traffic that was not protected) is an error, not a figure.
using Benchmark = std::function<Status(Report& report)>;

struct Command {
  const char* name;
  const char* description;
  Benchmark (*declare)(CLI::App& app);
};

Benchmark declare_crypto(CLI::App& app);
Benchmark declare_ike(CLI::App& app);
Benchmark declare_pipeline(CLI::App& app);
Benchmark declare_policy(CLI::App& app);
Benchmark declare_throughput(CLI::App& app);

}  // namespace ipsec::bench
