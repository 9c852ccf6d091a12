/* A plugin of qemu that counts instructions, in all and by address: what bench/arm64 measures with.
 *
 * cc -shared -fPIC -DVERSION=N, where N is the version of qemu's plugin interface: bench/arm64 tries them. The few functions in use are
 * declared here, so that no header of qemu is needed. Blocks of instructions are counted whole: one that is left by a fault counts as run.
 *
 * The counts go to the file of the argument out=FILE, a line a block: address, instructions in it, how often it ran. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_version = VERSION;

/* A block as it was translated; one that is translated again is counted again, in a place of its own. */
struct block {
    uint64_t address, instructions, runs;
    struct block *next;
};

static struct block *blocks;
static const char *out;

static void run(unsigned cpu, void *block) {
    (void)cpu;
    ((struct block *)block)->runs++;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
    struct block *block = calloc(1, sizeof *block);
    (void)id;
    if (!block) {
        abort();
    }
    block->address = qemu_plugin_tb_vaddr(tb);
    block->instructions = qemu_plugin_tb_n_insns(tb);
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, run, 0, block);
}

static void ended(plugin_id id, void *nothing) {
    FILE *file = fopen(out, "w");
    (void)id;
    (void)nothing;
    if (!file) {
        perror(out);
        abort();
    }
    for (struct block *block = blocks; block; block = block->next) {
        if (block->runs) {
            fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address, block->instructions, block->runs);
        }
    }
    fclose(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
    (void)info;
    if (count != 1 || strncmp(arguments[0], "out=", 4) != 0) {
        fprintf(stderr, "instructions: out=FILE is missing\n");
        return 1;
    }
    out = strdup(arguments[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
