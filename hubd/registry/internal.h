#ifndef HUBD_REGISTRY_INTERNAL_H
#define HUBD_REGISTRY_INTERNAL_H

#include "hubd/registry/registry.h"

#define REGISTRY_SNAPSHOT_MAGIC 0x534e4150u

/* Finds or makes the runtime of a platform; they live as long as the registry. Control loop only. */
struct registry_runtime *registry_runtime_of(struct registry *registry, const struct store_platform *row);
/* The same for a party. */
struct registry_party_runtime *registry_party_runtime_of(struct registry *registry, int64_t party);

/*
 * Builds a snapshot from a finished read, whose arena it takes over. NULL when there is no memory.
 */
struct registry_snapshot *registry_snapshot_build(struct registry *registry, const uint8_t *seal_key,
                                                  struct arena *arena,
                                                  const struct store_registry_read *read);
/* Wipes the plain tokens and frees it. */
void registry_snapshot_free(struct registry_snapshot *snapshot);

/* The text that a partner token's seal is bound to. */
struct str registry_seal_context(char *out, size_t size, int64_t platform);

#endif
