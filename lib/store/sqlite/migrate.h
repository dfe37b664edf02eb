#ifndef LIB_STORE_SQLITE_MIGRATE_H
#define LIB_STORE_SQLITE_MIGRATE_H

#include "lib/store/sqlite/sql.h"
#include "lib/store/store.h"

/* PRAGMA application_id of a hub's database: "CIHU". */
#define HUB_APPLICATION_ID 0x43494855

/*
 * Makes sure the database is ours and not newer, belongs to the key file, and brings it up to this program's
 * schema, one transaction per migration. Nothing is changed when it refuses. ERR_CONFLICT, ERR_REFUSED,
 * ERR_IO, each with the remedy. *created: it was empty.
 */
int migrate(struct sql_connection *connection, const struct store_options *options, bool *created,
            struct error *error);

#endif
