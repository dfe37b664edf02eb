#include "lib/store/read.h"

#include "lib/store/client.h"
#include "lib/store/history.h"
#include "lib/store/verify.h"

#define STORE_READ(NAME, name, type)                                                                         \
    void store_read_##name(struct store_client *client, struct type *read)                                   \
    {                                                                                                        \
        client_read(client, &read->base, READ_##NAME);                                                       \
    }
STORE_READS(STORE_READ)
