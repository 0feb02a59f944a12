#include <algorithm>

#include "cli/format.h"
#include "cli/text.h"

// Findings of the linter.
namespace ipsec::cli {

namespace {

std::string heading(const std::string& severity) {
  return severity == "error" ? "ERROR" : severity == "warning" ? "WARNING" : "INFORMATION";
}

std::string commands_text(const proto::LintFinding& finding) {
  std::string text;
  for (const std::string& line : finding.mend()) text += fmt::format("    netsh ipsec static {}\n", harmless(line));
  return text;
}

std::int64_t count(const proto::LintReply& reply, std::string_view severity) {
  return std::count_if(reply.findings().begin(), reply.findings().end(),
                       [&](const auto& finding) { return finding.severity() == severity; });
}

}  // namespace

std::string format_findings(const proto::LintReply& reply) {
  std::string text;
  for (const auto& finding : reply.findings()) {
    text +=
        fmt::format("{} {}: {}\n", heading(finding.severity()), harmless(finding.id()), harmless(finding.object())) +
        fmt::format("  {}.\n", harmless(finding.why())) + commands_text(finding) + "\n";
  }
  return text +
         fmt::format("No. of Errors           : {}\nNo. of Warnings         : {}\nNo. of Informations     : {}\n",
                     count(reply, "error"), count(reply, "warning"), count(reply, "information"));
}

std::string format_warnings(const proto::LintReply& reply) {
  std::string text;
  for (const auto& finding : reply.findings()) {
    text += fmt::format("WARNING {}: {}: {}.\n", harmless(finding.id()), harmless(finding.object()),
                        harmless(finding.why())) +
            commands_text(finding);
  }
  return text;
}

}  // namespace ipsec::cli
