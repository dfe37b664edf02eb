#ifndef LIB_STORE_SQLITE_APPLY_LOCATION_H
#define LIB_STORE_SQLITE_APPLY_LOCATION_H

#include "lib/store/sqlite/internal.h"

/* What apply_location.c and apply_evse.c share: finding and changing the head of a location. */

struct found_location {
    struct stored stored;
    int64_t sequence, arrival, size, evse_count;
    size_t text_length; /* of last_updated_text */
    bool same_digest;
};

/* What changes in a head. keep_time leaves last_updated and its text as they are, an empty digest the stored
 * one. */
struct new_head {
    bool keep_time;
    int64_t last_updated, arrival, size, evse_count;
    struct str last_updated_text, digest;
};

/* found->stored.present says whether it is there; `digest` (may be NULL) is compared with the stored one. 0
 * or an SQL failure. */
int apply_find_location(struct writer *writer, struct str owner, struct str id, const uint8_t *digest,
                        struct found_location *found);
/* ERR_TOO_LARGE with the sentence when it grows beyond that many bytes. */
int apply_check_size(const struct found_location *found, int64_t size, size_t size_max, struct str id,
                     struct error *error);
int apply_update_head(struct writer *writer, const struct found_location *found, const struct new_head *head);

#endif
