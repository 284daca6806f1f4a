/*
 * Makes the compiler describe the shared structs in BTF, which otherwise knows only what maps, functions and variables
 * use; tests/layout compares the descriptions with what the agent was compiled with.
 */
#include "bpf/lib/maps.bpf.h"

struct wire_types {
    struct wire_header header;
    struct wire_data data;
    struct wire_connection_open open;
    struct wire_connection_socket socket;
    struct wire_connection_name name;
    struct wire_direction_end end;
    struct wire_connection_close close;
    struct wire_process process;
    struct wire_process_end process_end;
    struct wire_hello hello;
    struct wire_hello_data hello_data;
};

/* Never read or written; a pointer, so that it takes no room. */
const struct wire_types *wire_types = NULL;
