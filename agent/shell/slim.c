#include "agent/shell/slim.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
agent_slim_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* Whether relocation has written into code after all; no library of ours is built like that. */
static bool
has_patched_code(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_DYNAMIC) {
            continue;
        }
        const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + segment->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) {
                return true;
            }
        }
    }
    return false;
}

/*
 * Segments that were never writable are the same as the file's, so that their pages can be dropped
 * at any moment. (What relocation has written to is in the writable ones.)
 */
static int
drop_code(struct dl_phdr_info *object, size_t size, void *context)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)context;
    if (strstr(object->dlpi_name, "vdso") || has_patched_code(object)) {
        return 0;
    }
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) {
            continue;
        }
        uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t to = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        if (to > from) {
            madvise((void *)from, to - from, MADV_DONTNEED); /* advice; may be ignored */
        }
    }
    return 0;
}

void
agent_slim(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_code, NULL);
}
