#include "cli/parameters.h"

namespace ipsec::cli {

namespace {

using namespace rows;

constexpr ContextRow kContexts[] = {
    {ContextId::kRoot, ContextId::kRoot, "netsh", "", "The root"},
    {ContextId::kIpsec, ContextId::kRoot, "ipsec", "ipsec", "IPsec policies and what runs of them"},
    {ContextId::kDynamic, ContextId::kIpsec, "dynamic", "ipsec dynamic", "What runs now"},
    {ContextId::kStatic, ContextId::kIpsec, "static", "ipsec static", "The stored policies"},
};

constexpr VerbRow kVerbs[] = {
    {ContextId::kRoot, "dump", "Prints a script that makes the stored and the dynamic policy again"},
    {ContextId::kRoot, "set", "Sets the mode and the machine of this shell"},
    {ContextId::kRoot, "show", "Shows what this shell has"},
    {ContextId::kIpsec, "dump", "Prints a script that makes the stored and the dynamic policy again"},
    {ContextId::kStatic, "add", "Makes policies and what they consist of"},
    {ContextId::kStatic, "delete", "Deletes policies and what they consist of"},
    {ContextId::kStatic, "dump", "Prints a script that makes the stored policies again"},
    {ContextId::kStatic, "exportpolicy", "Writes all policies to a file"},
    {ContextId::kStatic, "importpolicy", "Reads policies from a file"},
    {ContextId::kStatic, "lint", "Looks for what a policy says and probably does not mean"},
    {ContextId::kStatic, "restorepolicyexamples", "Puts back the three example policies"},
    {ContextId::kStatic, "set", "Changes policies and what they consist of"},
    {ContextId::kStatic, "show", "Shows policies and what they consist of"},
    {ContextId::kDynamic, "add", "Adds to what runs now"},
    {ContextId::kDynamic, "delete", "Takes away from what runs now"},
    {ContextId::kDynamic, "dump", "Prints a script that makes the dynamic policy again"},
    {ContextId::kDynamic, "lint", "Looks for what the policy in force probably does not mean"},
    {ContextId::kDynamic, "refresh", "Loads the assigned policy again now"},
    {ContextId::kDynamic, "set", "Changes what runs now"},
    {ContextId::kDynamic, "show", "Shows what runs now"},
    {ContextId::kDynamic, "trace", "Shows what the driver does with packets, step by step"},
    {ContextId::kDynamic, "explain", "Says what the driver would do with a packet"},
    {ContextId::kDynamic, "export", "Writes keys of negotiations for Wireshark"},
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
    {"alias", ShellVerb::kAlias, "[name] [words]", "Shows aliases, or lets a name stand for words"},
    {"unalias", ShellVerb::kUnalias, "name", "Forgets an alias"},
};

constexpr std::string_view kModes[] = {"online", "offline"};
constexpr Parameter kMode[] = {
    choice("mode", kModes, {}, "Both are accepted; every change is made at once", kRequired)};
// Remote administration has further parameters; none of them has a use without it.
constexpr Parameter kMachine[] = {text("name", 0, "Only this machine, which no name means"),
                                  text("user", kTagOnly, "Not supported"), text("pwd", kTagOnly, "Not supported")};
constexpr Parameter kDumpAll[] = {kDumpSecrets};

constexpr auto kRoot = ContextId::kRoot;
constexpr std::string_view kDumpHelp = "Prints a script that makes the stored and the dynamic policy again";
constexpr CommandRow kRootCommands[] = {
    {kRoot, "dump", {}, CommandId::kDumpBoth, kDumpAll, kDumpHelp, "dump"},
    {kRoot, "set", "machine", CommandId::kSetMachine, kMachine, "Aims at another machine: not supported",
     "set machine"},
    {kRoot, "set", "mode", CommandId::kSetMode, kMode, "Accepted for old scripts", "set mode online"},
    {kRoot, "show", "alias", CommandId::kShowAlias, {}, "Shows the aliases", "show alias"},
    {kRoot, "show", "helper", CommandId::kShowHelper, {}, "Shows the contexts", "show helper"},
    {kRoot, "show", "machine", CommandId::kShowMachine, {}, "Shows which machine is administered", "show machine"},
    {kRoot, "show", "mode", CommandId::kShowMode, {}, "Shows the mode: always online", "show mode"},
};
constexpr CommandRow kIpsecCommands[] = {
    {ContextId::kIpsec, "dump", {}, CommandId::kDumpBoth, kDumpAll, kDumpHelp, "dump"},
};

}  // namespace

std::span<const ContextRow> contexts() { return kContexts; }
std::span<const VerbRow> verbs() { return kVerbs; }
std::span<const ShellRow> shell_commands() { return kShellCommands; }

std::span<const CommandRow> root_commands() { return kRootCommands; }
std::span<const CommandRow> ipsec_commands() { return kIpsecCommands; }

std::span<const CommandRow> commands_of(ContextId context) {
  switch (context) {
    case ContextId::kRoot:
      return root_commands();
    case ContextId::kIpsec:
      return ipsec_commands();
    case ContextId::kStatic:
      return static_commands();
    case ContextId::kDynamic:
      return dynamic_commands();
  }
  return {};
}

const ContextRow& row_of(ContextId context) {
  for (const ContextRow& row : kContexts) {
    if (row.id == context) return row;
  }
  return kContexts[0];
}

}  // namespace ipsec::cli
