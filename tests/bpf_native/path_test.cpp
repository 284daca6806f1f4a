// Paths of executables and cgroups, from the leaf to the root.
#include "agent/capture/record_decoder.h"
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

class PathTest : public BpfTest {
 protected:
    struct Path {
        std::string names;  // with '|' for each NUL
        __u32 cut;
    };
    static Path text(const wire_path& path) {
        std::string names(path.names, path.size);
        for (char& one : names) {
            if (one == '\0') one = '|';
        }
        return {names, path.cut};
    }
    Path exe() {
        wire_path path;
        std::memset(&path, 0xa5, sizeof path);
        native_exe_path(process.task(), &path);
        return text(path);
    }
    Path cgroup(const std::string& at) {
        wire_path path;
        std::memset(&path, 0xa5, sizeof path);
        process.set_cgroup(at);
        native_cgroup_path(process.task(), &path);
        return text(path);
    }
    std::string deep(unsigned names) {
        std::string out;
        for (unsigned i = 0; i < names; ++i)
            out += "/d";
        return out;
    }
    FileSystem root, image, data;
};

TEST_F(PathTest, OfAnExecutable) {
    process.set_exe(root, "/usr/bin/curl");
    EXPECT_EQ(exe().names, "curl|bin|usr|");
    EXPECT_EQ(exe().cut, 0U);
}

TEST_F(PathTest, CrossesMounts) {
    image.mount_on(root, "/var/lib/image");
    data.mount_on(image, "/opt");
    process.set_exe(data, "/app/server");
    EXPECT_EQ(exe().names, "server|app|opt|image|lib|var|");
    EXPECT_EQ(exe().cut, 0U);
}

TEST_F(PathTest, OfAMountedRootItself) {
    image.mount_on(root, "/init");  // a file bound over a file
    process.set_exe(image, "/");
    EXPECT_EQ(exe().names, "init|");
}

TEST_F(PathTest, OfAFileThatIsInNoTree) {
    process.set_exe(root, "/");  // memfd_create: its own parent
    EXPECT_EQ(exe().names, "");
    EXPECT_EQ(exe().cut, 0U);
}

TEST_F(PathTest, ADetachedTreeEndsWhereItEnds) {
    // Its root is no root of the mount: unmounted meanwhile, or reached by way of another bind.
    process.set_exe(image, "/bin/tool");
    process.exe_file()->f_path.mnt = &root.mount_point()->mnt;
    EXPECT_EQ(exe().names, "tool|bin|");
}

TEST_F(PathTest, AKernelThreadHasNone) {
    task_struct& task = *process.task();
    task.mm = nullptr;
    EXPECT_EQ(exe().names, "");
    EXPECT_EQ(exe().cut, 0U);
}

TEST_F(PathTest, TooDeepIsCutAtTheRootsEnd) {
    process.set_exe(root, deep(23));
    EXPECT_EQ(exe().cut, 0U);
    process.set_exe(root, deep(30));
    EXPECT_EQ(exe().cut, __u32{WIRE_CUT_ROOT});
    EXPECT_EQ(exe().names.size(), 24U * 2);
}

TEST_F(PathTest, TooLongIsCutAtTheRootsEnd) {
    const std::string name = "/" + std::string(99, 'n');
    process.set_exe(root, name + name + name + name + "/leaf");
    EXPECT_EQ(exe().cut, 0U);
    EXPECT_EQ(exe().names.size(), 405U);
    process.set_exe(root, name + name + name + name + name + "/leaf");
    EXPECT_EQ(exe().cut, __u32{WIRE_CUT_ROOT});
    EXPECT_EQ(exe().names.size(), 405U);
    EXPECT_EQ(exe().names.substr(0, 5), "leaf|");
}

TEST_F(PathTest, ALongNameIsCut) {
    process.set_exe(root, "/bin/" + std::string(126, 'n'));
    EXPECT_EQ(exe().cut, 0U);
    EXPECT_EQ(exe().names, std::string(126, 'n') + "|bin|");
    process.set_exe(root, "/bin/" + std::string(255, 'n'));
    EXPECT_EQ(exe().cut, __u32{WIRE_CUT_NAME});
    EXPECT_EQ(exe().names, std::string(127, 'n') + "|bin|");
}

TEST_F(PathTest, ANameThatCannotBeReadCutsIt) {
    process.set_exe(root, "/usr/bin/curl");
    kernel.make_unreadable(root.at("/usr/bin")->d_name.name, 3);
    EXPECT_EQ(exe().cut, __u32{WIRE_CUT_ROOT});
    EXPECT_EQ(exe().names, "curl|");
}

TEST_F(PathTest, OfACgroup) {
    EXPECT_EQ(cgroup("/kubepods.slice/kubepods-pod1.slice/cri-containerd-2.scope").names,
              "cri-containerd-2.scope|kubepods-pod1.slice|kubepods.slice|");
    EXPECT_EQ(cgroup("/").names, "");
    EXPECT_EQ(cgroup("/").cut, 0U);
}

TEST_F(PathTest, ADeepCgroupIsCut) {
    EXPECT_EQ(cgroup(deep(23)).cut, 0U);
    const Path path = cgroup(deep(30));
    EXPECT_EQ(path.cut, __u32{WIRE_CUT_ROOT});
    EXPECT_EQ(path.names.size(), 24U * 2);
}

// What the agent makes of it.
TEST_F(PathTest, TheAgentReadsThemBackwards) {
    image.mount_on(root, "/var/lib/image");
    process.set_exe(image, "/usr/bin/python3.11");
    process.set_cgroup(deep(40));
    write("q");
    const Record record = take(WIRE_PROCESS).at(0);
    model::LossCounters losses;
    const auto event = capture::RecordDecoder(losses).decode(record.bytes);
    ASSERT_TRUE(event);
    const auto& seen = std::get<model::ProcessSeen>(*event).process;
    EXPECT_EQ(seen.exe, "/var/lib/image/usr/bin/python3.11");
    EXPECT_EQ(seen.cgroup, "..." + deep(24));
}

}  // namespace

}  // namespace llmsnoop::bpf_native
