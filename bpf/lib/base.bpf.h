/*
 * First include of every program file: kernel types, helpers, the shared contract.
 *
 * tests/bpf_native compiles these headers for the host, with the kernel's helpers stubbed, to test their logic without
 * a kernel; LLMSNOOP_NATIVE chooses that.
 */
#pragma once

#ifdef LLMSNOOP_NATIVE
#include "tests/bpf_native/kernel_stub.h"
#else
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#endif

#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"

#ifndef AF_INET
#define AF_INET  2
#define AF_INET6 10
#endif
