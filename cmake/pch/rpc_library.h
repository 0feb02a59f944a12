#pragma once

// Precompiled for every library that speaks gRPC; no file may rely on it for what it uses itself.
#include <grpcpp/grpcpp.h>

#include "cmake/pch/library.h"
#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "proto/policyagent.grpc.pb.h"
