#include "cli/commands/commands.h"

// The three example policies as the published exports of Windows 2000 and 2003 stores have them; the two releases do
// not differ in what this program keeps. Their GUIDs are part of it: an example that was renamed or changed is put
// back, whatever it is called now.
namespace ipsec::cli {

namespace {

constexpr std::string_view kExamples = R"json({
"format": "policyagent/1",
"policies": [
  {"guid": "72385236-70fa-11d1-864c-14a300000000", "name": "Client (Respond Only)", "profile": "windows2003",
   "description": "Communicate normally (unsecured). Use the default response rule to negotiate with servers that request security. Only the requested protocol and port traffic with that server is secured.",
   "main_mode": {"guid": "72385237-70fa-11d1-864c-14a300000000"},
   "rules": [], "default_response": {
  "guid" : "59319c04-5ee3-11d2-ace8-0060b0ecca17", "active" : true
}
},
  {"guid": "72385230-70fa-11d1-864c-14a300000000", "name": "Server (Request Security)", "profile": "windows2003",
   "description": "For all IP traffic, always request security using Kerberos trust. Allow unsecured communication with clients that do not respond to request.",
   "main_mode": {"guid": "72385231-70fa-11d1-864c-14a300000000"},
   "rules": [
     {"guid": "72385232-70fa-11d1-864c-14a300000000", "name": "All IP Traffic",
      "filter_list": "All IP Traffic", "filter_action": "Request Security (Optional)",
      "authentication": [{"method": "kerberos"}]},
     {"guid": "594272e2-071d-11d3-ad22-0060b0ecca17", "name": "All ICMP Traffic",
      "filter_list": "All ICMP Traffic", "filter_action": "Permit", "authentication": [{"method": "kerberos"}]}],
   "default_response": {"guid": "59319be2-5ee3-11d2-ace8-0060b0ecca17", "active": true}},
  {"guid": "7238523c-70fa-11d1-864c-14a300000000", "name": "Secure Server (Require Security)", "profile": "windows2003",
   "description": "For all IP traffic, always require security using Kerberos trust. Do NOT allow unsecured communication with untrusted clients.",
   "main_mode": {"guid": "7238523d-70fa-11d1-864c-14a300000000"},
   "rules": [
     {"guid": "7238523e-70fa-11d1-864c-14a300000000", "name": "All IP Traffic",
      "filter_list": "All IP Traffic", "filter_action": "Require Security",
      "authentication": [{"method": "kerberos"}]},
     {"guid": "594272fd-071d-11d3-ad22-0060b0ecca17", "name": "All ICMP Traffic",
      "filter_list": "All ICMP Traffic", "filter_action": "Permit", "authentication": [{"method": "kerberos"}]}],
   "default_response": {"guid": "59319bf3-5ee3-11d2-ace8-0060b0ecca17", "active": true}}],
"filter_lists": [
  {"guid": "7238523a-70fa-11d1-864c-14a300000000", "name": "All IP Traffic",
   "description": "Matches all IP packets from this computer to any other computer, except broadcast, multicast, Kerberos, RSVP and ISAKMP (IKE).",
   "filters": [{"source": "me", "destination": "any", "mirrored": true}]},
  {"guid": "72385235-70fa-11d1-864c-14a300000000", "name": "All ICMP Traffic",
   "description": "Matches all ICMP packets between this computer and any other computer.",
   "filters": [{"source": "me", "destination": "any", "protocol": "ICMP", "mirrored": true}]}],
"filter_actions": [
  {"guid": "7238523b-70fa-11d1-864c-14a300000000", "name": "Permit", "description": "Permit unsecured IP packets to pass through.",
   "action": "permit"},
  {"guid": "72385233-70fa-11d1-864c-14a300000000", "name": "Request Security (Optional)", "action": "negotiate",
   "description": "Accepts unsecured communication, but requests clients to establish trust and security methods. Will communicate insecurely to untrusted clients if they do not respond to request.",
   "inbound_passthrough": true, "allow_soft": true,
   "offers": [
     {"esp": {"cipher": "3DES", "integrity": "SHA1"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900},
     {"esp": {"cipher": "DES", "integrity": "SHA1"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900},
     {"ah": "SHA1", "lifetime_kilobytes": 100000, "lifetime_seconds": 300},
     {"ah": "MD5", "lifetime_kilobytes": 100000, "lifetime_seconds": 300}]},
  {"guid": "7238523f-70fa-11d1-864c-14a300000000", "name": "Require Security", "action": "negotiate",
   "description": "Accepts unsecured communication, but always requires clients to establish trust and security methods. Will NOT communicate with untrusted clients.",
   "inbound_passthrough": true, "allow_soft": false,
   "offers": [
     {"esp": {"cipher": "3DES", "integrity": "SHA1"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900},
     {"esp": {"cipher": "3DES", "integrity": "MD5"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900},
     {"esp": {"cipher": "DES", "integrity": "SHA1"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900},
     {"esp": {"cipher": "DES", "integrity": "MD5"}, "lifetime_kilobytes": 100000, "lifetime_seconds": 900}]}]
})json";

}  // namespace

Outcome restore_policy_examples(const Command&, Services& services) {
  if (services.scope != nullptr && services.scope->store().kind() != proto::StoreLocation::KIND_LOCAL) {
    return failure(kShellMisused, "restorepolicyexamples works on the local store; `set store location=local` first");
  }
  proto::ImportRequest request;
  request.set_json(std::string(kExamples));
  const auto reply = services.agent.import_policies(request);
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (!reply->problems().empty()) return {problem_texts(reply->problems()), true};
  return done();
}

}  // namespace ipsec::cli
