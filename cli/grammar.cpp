#include "cli/grammar.h"

namespace ipsec::cli {

namespace {

constexpr ContextRow kContexts[] = {
    {ContextId::kRoot, ContextId::kRoot, "netsh", "", "The root"},
    {ContextId::kIpsec, ContextId::kRoot, "ipsec", "ipsec", "IPsec policies and what runs of them"},
    {ContextId::kDynamic, ContextId::kIpsec, "dynamic", "ipsec dynamic", "What runs now"},
    {ContextId::kStatic, ContextId::kIpsec, "static", "ipsec static", "The stored policies"},
};

constexpr VerbRow kVerbs[] = {
    {ContextId::kStatic, "add", "Makes policies and what they consist of"},
    {ContextId::kStatic, "delete", "Deletes policies and what they consist of"},
    {ContextId::kStatic, "exportpolicy", "Writes all policies to a file"},
    {ContextId::kStatic, "importpolicy", "Reads policies from a file"},
    {ContextId::kStatic, "lint", "Looks for what a policy says and probably does not mean"},
    {ContextId::kStatic, "set", "Changes policies and what they consist of"},
    {ContextId::kStatic, "show", "Shows policies and what they consist of"},
    {ContextId::kDynamic, "refresh", "Loads the assigned policy again now"},
    {ContextId::kDynamic, "show", "Shows what runs now"},
    {ContextId::kDynamic, "trace", "Shows what the driver does with packets, step by step"},
    {ContextId::kDynamic, "explain", "Says what the driver would do with a packet"},
};

constexpr ShellRow kShellCommands[] = {
    {"?", ShellVerb::kHelp, "", "Shows the commands"},
    {"/?", ShellVerb::kHelp, "", "Shows the commands"},
    {"help", ShellVerb::kHelp, "", "Shows the commands"},
    {"..", ShellVerb::kUp, "", "Goes up one context"},
    {"pushd", ShellVerb::kPush, "[context]", "Saves the context and enters another"},
    {"popd", ShellVerb::kPop, "", "Returns to the context saved last"},
    {"exec", ShellVerb::kExecute, "file", "Runs the commands of a file"},
    {"exit", ShellVerb::kExit, "", "Ends the shell or the script"},
    {"bye", ShellVerb::kExit, "", "Ends the shell or the script"},
    {"quit", ShellVerb::kExit, "", "Ends the shell or the script"},
    {"online", ShellVerb::kOfflineMode, "", "Accepted; every change is made at once"},
    {"offline", ShellVerb::kOfflineMode, "", "Accepted; every change is made at once"},
    {"commit", ShellVerb::kOfflineMode, "", "Accepted; every change is made at once"},
    {"abort", ShellVerb::kOfflineMode, "", "Accepted; every change is made at once"},
};

}  // namespace

std::span<const ContextRow> contexts() { return kContexts; }
std::span<const VerbRow> verbs() { return kVerbs; }
std::span<const ShellRow> shell_commands() { return kShellCommands; }

std::span<const CommandRow> commands_of(ContextId context) {
  if (context == ContextId::kStatic) return static_commands();
  if (context == ContextId::kDynamic) return dynamic_commands();
  return {};
}

const ContextRow& row_of(ContextId context) {
  for (const ContextRow& row : kContexts) {
    if (row.id == context) return row;
  }
  return kContexts[0];
}

}  // namespace ipsec::cli
