/*
 * Session probes (6.13) run one program at entry and at return.
 *
 * A file of its own, because libbpf 1.1 cannot link two objects that both name the kernel's function
 * ("failed to resolve size of underlying type").
 */
#include "bpf/lib/base.bpf.h"

extern _Bool bpf_session_is_return(void) __ksym __weak;

/* Global, and so checked by itself, and only where a program that calls it is loaded. */
__noinline int session_is_return(void)
{
    return bpf_session_is_return();
}
