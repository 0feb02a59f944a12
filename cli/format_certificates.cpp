#include <fmt/format.h>

#include "cli/format.h"
#include "cli/text.h"

namespace ipsec::cli {

namespace {

std::string line(std::string_view label, const std::string& value) {
  return fmt::format("    {:<24}: {}\n", label, harmless(value));
}

template <typename List>
std::string lines(std::string_view label, const List& values) {
  std::string text;
  for (const std::string& value : values) text += line(label, value);
  return text;
}

std::string certificate_text(const proto::CertificateStatus& certificate) {
  return fmt::format("  {}\n", harmless(certificate.subject().empty() ? "(no subject)" : certificate.subject())) +
         line("File", certificate.file()) + line("Issuer", certificate.issuer()) +
         line("Serial Number", certificate.serial()) + line("Valid From", certificate.not_before()) +
         line("Valid To", certificate.not_after()) + line("Public Key", certificate.key()) +
         lines("Alternative Name", certificate.alternative_names()) +
         lines("Extended Key Usage", certificate.extended_key_usages()) +
         lines("CRL Distribution Point", certificate.distribution_points());
}

std::string own_text(const proto::CertificateStatus& certificate) {
  std::string text = certificate_text(certificate);
  text += line("Private Key", certificate.private_key().empty() ? "none" : certificate.private_key());
  for (const proto::CertificateCheck& check : certificate.checks())
    text += line("Check " + check.name(), fmt::format("{}: {}", check.outcome(), check.text()));
  return text + line("Can Be Used", certificate.usable() ? "yes" : "NO") + "\n";
}

}  // namespace

std::string format_certificates(const proto::ListCertificatesReply& reply) {
  std::string text = fmt::format("Certificates in {}\n\n", harmless(reply.directory()));
  text += lines("Authority of the Policy", reply.authorities());
  text += reply.authorities().empty() ? "    The policy names no authority: the checks are by all roots.\n\n" : "\n";
  text += "Own Certificates\n----------------\n\n";
  for (const auto& each : reply.own()) text += own_text(each);
  if (reply.own().empty()) text += "  There are none.\n\n";
  text += "Trusted Roots\n-------------\n\n";
  for (const auto& each : reply.roots())
    text += certificate_text(each) + line("Trusted by the Policy", each.usable() ? "yes" : "no") + "\n";
  if (reply.roots().empty()) text += "  There are none.\n\n";
  text += "Revocation Lists\n----------------\n\n";
  for (const auto& each : reply.revocation_lists()) {
    text += fmt::format("  {}\n", harmless(each.issuer())) + line("From", each.last_update()) +
            line("Next Update", each.next_update()) + line("Revoked", std::to_string(each.revoked())) + "\n";
  }
  if (reply.revocation_lists().empty()) text += "  There are none.\n\n";
  for (const auto& each : reply.unavailable_points()) text += line("Unavailable", each.point() + ": " + each.reason());
  return text + lines("PROBLEM", reply.problems());
}

}  // namespace ipsec::cli
