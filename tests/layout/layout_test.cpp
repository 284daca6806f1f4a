// The structs that kernel and agent share, compared member by member: as this compiler lays them out, and as the BTF of
// the built object says that clang did for BPF.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"

namespace {

using Offsets = std::map<std::string, std::size_t>;

struct Layout {
    std::string name;
    std::size_t size;
    Offsets members;
};

#define MEMBER(type, member) \
    { #member, offsetof(type, member) }

const Layout kLayouts[] = {
    {"wire_header",
     sizeof(wire_header),
     {MEMBER(wire_header, size), MEMBER(wire_header, version), MEMBER(wire_header, kind),
      MEMBER(wire_header, direction), MEMBER(wire_header, flags)}},
    {"wire_data",
     sizeof(wire_data),
     {MEMBER(wire_data, header), MEMBER(wire_data, connection), MEMBER(wire_data, time_ns), MEMBER(wire_data, offset),
      MEMBER(wire_data, length), MEMBER(wire_data, captured)}},
    {"wire_socket",
     sizeof(wire_socket),
     {MEMBER(wire_socket, local_address), MEMBER(wire_socket, peer_address), MEMBER(wire_socket, local_port),
      MEMBER(wire_socket, peer_port), MEMBER(wire_socket, family)}},
    {"wire_connection_open",
     sizeof(wire_connection_open),
     {MEMBER(wire_connection_open, header), MEMBER(wire_connection_open, connection),
      MEMBER(wire_connection_open, time_ns), MEMBER(wire_connection_open, object),
      MEMBER(wire_connection_open, process_start_ns), MEMBER(wire_connection_open, pid),
      MEMBER(wire_connection_open, library)}},
    {"wire_connection_socket",
     sizeof(wire_connection_socket),
     {MEMBER(wire_connection_socket, header), MEMBER(wire_connection_socket, connection),
      MEMBER(wire_connection_socket, socket)}},
    {"wire_connection_name",
     sizeof(wire_connection_name),
     {MEMBER(wire_connection_name, header), MEMBER(wire_connection_name, connection),
      MEMBER(wire_connection_name, name)}},
    {"wire_direction_end",
     sizeof(wire_direction_end),
     {MEMBER(wire_direction_end, header), MEMBER(wire_direction_end, connection), MEMBER(wire_direction_end, time_ns),
      MEMBER(wire_direction_end, offset)}},
    {"wire_connection_close",
     sizeof(wire_connection_close),
     {MEMBER(wire_connection_close, header), MEMBER(wire_connection_close, connection),
      MEMBER(wire_connection_close, time_ns), MEMBER(wire_connection_close, offset)}},
    {"wire_path", sizeof(wire_path), {MEMBER(wire_path, size), MEMBER(wire_path, cut), MEMBER(wire_path, names)}},
    {"wire_process",
     sizeof(wire_process),
     {MEMBER(wire_process, header), MEMBER(wire_process, time_ns), MEMBER(wire_process, start_ns),
      MEMBER(wire_process, cgroup_id), MEMBER(wire_process, pid), MEMBER(wire_process, ppid), MEMBER(wire_process, uid),
      MEMBER(wire_process, reserved), MEMBER(wire_process, comm), MEMBER(wire_process, exe),
      MEMBER(wire_process, cgroup)}},
    {"wire_process_end",
     sizeof(wire_process_end),
     {MEMBER(wire_process_end, header), MEMBER(wire_process_end, time_ns), MEMBER(wire_process_end, start_ns),
      MEMBER(wire_process_end, pid), MEMBER(wire_process_end, reserved)}},
    {"wire_hello",
     sizeof(wire_hello),
     {MEMBER(wire_hello, header), MEMBER(wire_hello, time_ns), MEMBER(wire_hello, socket),
      MEMBER(wire_hello, process_start_ns), MEMBER(wire_hello, pid), MEMBER(wire_hello, captured),
      MEMBER(wire_hello, addresses), MEMBER(wire_hello, bytes)}},
    {"wire_hello_data",
     sizeof(wire_hello_data),
     {MEMBER(wire_hello_data, header), MEMBER(wire_hello_data, time_ns), MEMBER(wire_hello_data, socket),
      MEMBER(wire_hello_data, process_start_ns), MEMBER(wire_hello_data, pid), MEMBER(wire_hello_data, reserved)}},
    {"knobs",
     sizeof(knobs),
     {MEMBER(knobs, select), MEMBER(knobs, with_children), MEMBER(knobs, own_pid), MEMBER(knobs, cgroups),
      MEMBER(knobs, ring_mask), MEMBER(knobs, receive_arguments), MEMBER(knobs, late_must_look),
      MEMBER(knobs, plain_tells_sockets), MEMBER(knobs, reserved), MEMBER(knobs, never), MEMBER(knobs, wake_bytes),
      MEMBER(knobs, call_limit)}},
    {"goroutine_key",
     sizeof(goroutine_key),
     {MEMBER(goroutine_key, goroutine), MEMBER(goroutine_key, pid), MEMBER(goroutine_key, reserved)}},
    {"exe_key", sizeof(exe_key), {MEMBER(exe_key, inode), MEMBER(exe_key, device), MEMBER(exe_key, reserved)}},
    {"mute", sizeof(mute), {MEMBER(mute, until)}},
    {"process_state",
     sizeof(process_state),
     {MEMBER(process_state, start_ns), MEMBER(process_state, traced), MEMBER(process_state, inherited),
      MEMBER(process_state, announced), MEMBER(process_state, epoch), MEMBER(process_state, execs),
      MEMBER(process_state, rustls)}},
};

class LayoutTest : public testing::TestWithParam<Layout> {
 protected:
    static btf* object() {
        static const std::unique_ptr<btf, void (*)(btf*)> parsed(btf__parse(BPF_OBJECT, nullptr), btf__free);
        return parsed.get();
    }
};

TEST_P(LayoutTest, IsTheSameForKernelAndAgent) {
    ASSERT_NE(object(), nullptr) << BPF_OBJECT;
    const Layout& here = GetParam();
    const int id = btf__find_by_name_kind(object(), here.name.c_str(), BTF_KIND_STRUCT);
    ASSERT_GT(id, 0) << "struct " << here.name << " is not in the object's BTF";
    const btf_type* there = btf__type_by_id(object(), static_cast<unsigned>(id));
    EXPECT_EQ(there->size, here.size);

    Offsets members;
    const btf_member* all = btf_members(there);
    for (unsigned i = 0; i < btf_vlen(there); ++i) {
        members[btf__name_by_offset(object(), all[i].name_off)] = btf_member_bit_offset(there, i) / 8;
    }
    EXPECT_EQ(members, here.members);
}

INSTANTIATE_TEST_SUITE_P(Shared, LayoutTest, testing::ValuesIn(kLayouts),
                         [](const testing::TestParamInfo<Layout>& one) { return one.param.name; });

}  // namespace
