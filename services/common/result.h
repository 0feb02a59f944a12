#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

// Errors that a peer, a user, a disk or another process can cause travel as values. The text names the object, the
// field and what would be accepted. Bugs are assertions, never a Result.
namespace ipsec {

enum class ErrorCode {
  kOk,
  kInvalid,  // the given input is wrong
  kNotFound,
  kAlreadyExists,
  kRefused,      // right in itself, but not in the present state (an object in use, a daemon not yet ready)
  kUnavailable,  // another process, a file or a device does not answer; trying again may help
  kExhausted,    // a limit is reached
  kInternal,
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) { assert(code != ErrorCode::kOk); }

  bool ok() const { return code_ == ErrorCode::kOk; }
  ErrorCode code() const { return code_; }
  const std::string& message() const { return text_; }

 private:
  ErrorCode code_ = ErrorCode::kOk;
  std::string text_;
};

inline Status invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }
inline Status not_found(std::string text) { return {ErrorCode::kNotFound, std::move(text)}; }
inline Status already_exists(std::string text) { return {ErrorCode::kAlreadyExists, std::move(text)}; }
inline Status refused(std::string text) { return {ErrorCode::kRefused, std::move(text)}; }
inline Status unavailable(std::string text) { return {ErrorCode::kUnavailable, std::move(text)}; }
inline Status exhausted(std::string text) { return {ErrorCode::kExhausted, std::move(text)}; }

// The same error with `where` and a colon in front: "rule 'x': unknown filter list 'y'".
inline Status with_context(const Status& status, std::string_view where) {
  return status.ok() ? status : Status(status.code(), fmt::format("{}: {}", where, status.message()));
}

// A T or the Status that says why there is none. Reading the value of an error is a bug.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}
  Result(Status error) : state_(std::in_place_index<0>, std::move(error)) { assert(!std::get<0>(state_).ok()); }

  bool ok() const { return state_.index() == 1; }
  // Ok where there is a value.
  Status status() const { return ok() ? Status() : std::get<0>(state_); }

  const T& value() const& { return *checked(); }
  T& value() & { return *checked(); }
  T&& value() && { return std::move(*checked()); }
  const T& operator*() const& { return *checked(); }
  T& operator*() & { return *checked(); }
  T&& operator*() && { return std::move(*checked()); }
  const T* operator->() const { return checked(); }
  T* operator->() { return checked(); }

 private:
  const T* checked() const {
    assert(ok());
    return &std::get<1>(state_);
  }
  T* checked() {
    assert(ok());
    return &std::get<1>(state_);
  }

  std::variant<Status, T> state_;
};

}  // namespace ipsec

#define IPSEC_CONCAT_INNER(a, b) a##b
#define IPSEC_CONCAT(a, b) IPSEC_CONCAT_INNER(a, b)

// Returns from the calling function when the expression is an error.
#define IPSEC_RETURN_IF_ERROR(expression)                                                     \
  do {                                                                                        \
    if (::ipsec::Status ipsec_status = (expression); !ipsec_status.ok()) return ipsec_status; \
  } while (false)

// IPSEC_ASSIGN_OR_RETURN(auto value, make_value());
#define IPSEC_ASSIGN_OR_RETURN(declaration, expression) \
  IPSEC_ASSIGN_OR_RETURN_IMPL(IPSEC_CONCAT(ipsec_result_, __LINE__), declaration, expression)
#define IPSEC_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                        \
  if (!result.ok()) return result.status();                          \
  declaration = *std::move(result)
