#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// The grammar of netsh as tables: contexts, verbs, objects and parameters. The parser, the help and the completion read
// these rows and nothing else. Source: reference of `netsh ipsec`, sections 1, 4 and 5; what is our own says so.
namespace ipsec::cli {

enum class ContextId : std::uint8_t { kRoot, kIpsec, kStatic, kDynamic };

struct ContextRow {
  ContextId id;
  ContextId parent;       // the root is its own
  std::string_view name;  // "static"
  std::string_view path;  // "ipsec static", as the prompt shows it
  std::string_view help;
};

// What a parameter's value is; the parser answers with the type of Value named here (command.h).
enum class Kind : std::uint8_t {
  kYesNo,             // bool
  kText,              // std::string
  kNumber,            // std::uint32_t between minimum and maximum
  kPort,              // std::uint32_t
  kProtocol,          // std::uint32_t
  kAddress,           // AddressValue
  kMask,              // Mask
  kTunnelEnd,         // AddressValue: host or name
  kChoice,            // std::string, the word of `choices` in full
  kGuid,              // std::string
  kRuleId,            // std::uint32_t or, for a guid, std::string
  kDhGroup,           // DhGroup; kNone for the main mode's
  kPfs,               // std::string: "none", "mm" for the main mode's group, or the name of a group
  kMainModeMethods,   // std::vector<MainModeOffer>
  kQuickModeMethods,  // std::vector<QuickModeOffer>
  kSecret,            // SecretBytes
  kKey,               // SecretBytes, written in hexadecimal
  kSpi,               // std::uint32_t
  kManualMethod,      // std::vector<QuickModeOffer>, one
  kRootCa,            // RootCa
  kAllOnly,           // Keyword::kAll: nothing but the bare word "all"
};

enum ParameterFlag : unsigned {
  kRequired = 1,
  kTagOnly = 2,       // never takes a bare word
  kRepeatable = 4,    // the only tags that may be given more than once
  kTakesAll = 8,      // the bare word "all" means every object
  kTakesDefault = 16  // the bare word "default" means the default response rule
};

struct Parameter {
  std::string_view tag;
  Kind kind = Kind::kText;
  unsigned flags = 0;
  std::string_view fallback = {};  // default, as the help shows it
  std::string_view help = {};
  std::span<const std::string_view> choices = {};
  std::uint32_t minimum = 0;
  std::uint32_t maximum = 0;
  std::string_view unit = {};
  // Parameters of a command with the same non-zero group exclude one another; a required one is satisfied by any.
  std::uint8_t group = 0;

  bool has(ParameterFlag flag) const { return (flags & flag) != 0; }
};

enum class CommandId : std::uint8_t {
  kAddPolicy,
  kAddRule,
  kAddFilterList,
  kAddFilter,
  kAddFilterAction,
  kSetPolicy,
  kSetRule,
  kSetDefaultRule,
  kSetFilterList,
  kSetFilterAction,
  kSetStore,
  kSetBatch,
  kDeletePolicy,
  kDeleteRule,
  kDeleteFilterList,
  kDeleteFilter,
  kDeleteFilterAction,
  kDeleteAll,
  kShowPolicy,
  kShowRule,
  kShowFilterList,
  kShowFilterAction,
  kShowStored,
  kShowStore,
  kShowGpoAssignedPolicy,
  kExportPolicy,
  kImportPolicy,
  kLint,
  kLintRunning,
  kRestorePolicyExamples,
  kDumpStored,
  kAddMainModePolicy,
  kAddQuickModePolicy,
  kAddRunningRule,
  kSetMainModePolicy,
  kSetQuickModePolicy,
  kSetRunningRule,
  kSetConfig,
  kDeleteMainModePolicy,
  kDeleteQuickModePolicy,
  kDeleteRunningRule,
  kAddSa,
  kDeleteSa,
  kDeleteRunning,
  kDumpRunning,
  kShowConfig,
  kShowExemptions,
  kShowRunning,
  kShowMainModePolicy,
  kShowQuickModePolicy,
  kShowMainModeFilter,
  kShowQuickModeFilter,
  kShowRunningRule,
  kShowCertificates,
  kShowMainModeSas,
  kShowQuickModeSas,
  kShowNegotiations,
  kShowSas,
  kShowStatistics,
  kShowStatus,
  kShowEvents,
  kRefresh,
  kTrace,
  kExplain,
  kExportKeys,
  kDumpBoth,
  kShowAlias,
  kShowHelper,
  kShowMode,
  kShowMachine,
  kSetMode,
  kSetMachine,
};

struct CommandRow {
  ContextId context;
  std::string_view verb;
  std::string_view object;  // empty: the verb stands alone
  CommandId id;
  std::span<const Parameter> parameters;
  std::string_view help;
  std::string_view example;
};

struct VerbRow {
  ContextId context;
  std::string_view verb;
  std::string_view help;
};

// Commands of the shell itself; they work in every context.
enum class ShellVerb : std::uint8_t { kUp, kPush, kPop, kExecute, kExit, kHelp, kOfflineMode, kAlias, kUnalias };

struct ShellRow {
  std::string_view name;
  ShellVerb verb;
  std::string_view arguments;  // as the help shows them
  std::string_view help;
};

std::span<const ContextRow> contexts();
std::span<const VerbRow> verbs();
std::span<const ShellRow> shell_commands();
// In declared order: where an abbreviation fits several names, the first is meant.
std::span<const CommandRow> root_commands();
std::span<const CommandRow> ipsec_commands();
std::span<const CommandRow> static_commands();
std::span<const CommandRow> dynamic_commands();
std::span<const CommandRow> commands_of(ContextId context);

const ContextRow& row_of(ContextId context);

}  // namespace ipsec::cli
