#pragma once

#include <grpcpp/support/status.h>

#include "services/common/result.h"

// Errors as they cross a socket.
//
//   ErrorCode        gRPC                  back from gRPC also
//   kInvalid         INVALID_ARGUMENT      OUT_OF_RANGE
//   kNotFound        NOT_FOUND
//   kAlreadyExists   ALREADY_EXISTS
//   kRefused         FAILED_PRECONDITION   PERMISSION_DENIED, UNAUTHENTICATED, ABORTED
//   kUnavailable     UNAVAILABLE           DEADLINE_EXCEEDED, CANCELLED
//   kExhausted       RESOURCE_EXHAUSTED
//   kInternal        INTERNAL              everything else
namespace ipsec::rpc {

// The text is cut at kMaxStatusText octets and made valid for a gRPC status.
grpc::Status to_grpc(const Status& status);
Status from_grpc(const grpc::Status& status);

}  // namespace ipsec::rpc
