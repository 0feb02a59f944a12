#pragma once

// Precompiled for every test program of what speaks gRPC; no file may rely on it for what it uses itself.
#include <grpcpp/grpcpp.h>

#include "cmake/pch/test.h"
#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "proto/policyagent.grpc.pb.h"
