#include "services/ike/certificates/chain.h"

#include <algorithm>
#include <ctime>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

namespace {

struct Complaint {
  int error = X509_V_OK;
  int depth = 0;
};

// OpenSSL stops at the first error, unless told to go on: an administrator wants all of them.
int note_and_go_on(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  auto* found = static_cast<std::vector<Complaint>*>(X509_STORE_CTX_get_app_data(context));
  found->push_back({X509_STORE_CTX_get_error(context), X509_STORE_CTX_get_error_depth(context)});
  return 1;
}

// Errors that say that nothing can be said.
bool is_about_lists(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return true;
    default:
      return false;
  }
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

X509Owner<STACK_OF(X509)> stack_of(std::span<const Certificate> certificates) {
  X509Owner<STACK_OF(X509)> stack(sk_X509_new_null());
  require(stack != nullptr);
  for (const Certificate& each : certificates) require(sk_X509_push(stack.get(), each.get()) > 0);
  return stack;
}

void set_terms(X509_STORE_CTX* context, const ChainTerms& terms) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(terms.now));
  X509_VERIFY_PARAM_set_depth(parameters, kMaxChainLength - 2);
  X509_VERIFY_PARAM_set_auth_level(parameters, terms.windows2003 ? 0 : 1);
  if (terms.crl_level == 0) return;
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

// What asking the certificate's distribution points for its list has come to, or where it could be asked for.
std::string describe_points(const Certificate& certificate, const CrlSource& crls, std::vector<std::string>& wanted) {
  const auto points = certificate.distribution_points();
  if (points.empty()) return "it names no distribution point";
  std::string text;
  for (const std::string& point : points) {
    const auto known = crls.unavailable.find(point);
    if (known != crls.unavailable.end()) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", point, known->second);
    } else if (point.starts_with("http://")) {
      add_once(wanted, point);
    } else {
      text += fmt::format("{}{}: only http is spoken here", text.empty() ? "" : "; ", point);
    }
  }
  return text;
}

void sort_out(const std::vector<Complaint>& complaints, const CrlSource& crls, Chain& chain) {
  const int root = static_cast<int>(chain.certificates.size()) - 1;
  for (const Complaint& complaint : complaints) {
    const auto place = static_cast<std::size_t>(std::clamp(complaint.depth, 0, root));
    const Certificate& certificate = chain.certificates[place];
    const std::string text =
        fmt::format("{}: {}", certificate.to_string(), X509_verify_cert_error_string(complaint.error));
    const bool about_root = complaint.depth == root && certificate.is_self_issued();
    if (complaint.error == X509_V_ERR_CERT_REVOKED) {
      if (!about_root) add_once(chain.revoked, text);
    } else if (is_about_lists(complaint.error)) {
      if (about_root) continue;
      const std::string points = describe_points(certificate, crls, chain.wanted);
      add_once(chain.unchecked, points.empty() ? text : fmt::format("{} ({})", text, points));
    } else {
      add_once(chain.problems, text);
    }
  }
}

}  // namespace

Chain build_chain(const Certificate& end, std::span<const Certificate> intermediates,
                  std::span<const Certificate> roots, const CrlSource& crls, const ChainTerms& terms) {
  const X509Owner<X509_STORE> store(X509_STORE_new());
  const X509Owner<X509_STORE_CTX> context(X509_STORE_CTX_new());
  require(store && context);
  for (const Certificate& root : roots) require(X509_STORE_add_cert(store.get(), root.get()) == 1);
  for (const Crl& list : crls.lists) require(X509_STORE_add_crl(store.get(), list.get()) == 1);
  const auto untrusted = stack_of(intermediates);
  require(X509_STORE_CTX_init(context.get(), store.get(), end.get(), untrusted.get()) == 1);
  set_terms(context.get(), terms);
  std::vector<Complaint> complaints;
  X509_STORE_CTX_set_app_data(context.get(), &complaints);
  X509_STORE_CTX_set_verify_cb(context.get(), note_and_go_on);
  const int verified = X509_verify_cert(context.get());
  ERR_clear_error();

  Chain chain;
  const STACK_OF(X509)* path = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(path); ++i) chain.certificates.push_back(Certificate::of(sk_X509_value(path, i)));
  if (chain.certificates.empty()) chain.certificates.push_back(end);
  sort_out(complaints, crls, chain);
  // An internal error of the verification calls nobody.
  if (verified != 1 && chain.problems.empty()) {
    chain.problems.push_back(
        fmt::format("{}: {}", end.to_string(), X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))));
  }
  return chain;
}

}  // namespace ipsec::ike
