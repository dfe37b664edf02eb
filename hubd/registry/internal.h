#ifndef HUBD_REGISTRY_INTERNAL_H
#define HUBD_REGISTRY_INTERNAL_H

#include "hubd/registry/registry.h"

/* Finds or adds the state of a platform, which lives as long as the registry. NULL: no memory. Control
 * loop. */
struct registry_runtime *registry_runtime_of(struct registry *registry, const struct store_platform *row);
/* Finds or adds the state of a party. */
struct registry_party_runtime *registry_party_runtime_of(struct registry *registry, int64_t party);

/* Builds a snapshot from a finished read and takes over the arena. NULL: no memory. */
struct registry_snapshot *registry_snapshot_build(struct registry *registry, const uint8_t *seal_key,
                                                  struct arena *arena,
                                                  const struct store_registry_read *read);
/* Frees the snapshot and wipes the decrypted tokens. */
void registry_snapshot_free(struct registry_snapshot *snapshot);

/* The additional data that a partner token is encrypted with: names the platform. Points to `out`. */
struct str registry_seal_context(char *out, size_t size, int64_t platform);

#endif
