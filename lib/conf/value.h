#ifndef LIB_CONF_VALUE_H
#define LIB_CONF_VALUE_H

#include "lib/conf/conf.h"

/*
 * One setting's value, from text and back, by the setting's row. `text` is what stands behind the equals
 * sign. Lists: comma separated, `append` adds to what is there. ERR_INVALID with what is wrong and what to
 * write instead.
 */
int conf_value_set(struct conf *conf, const struct conf_setting *setting, const char *text, bool append,
                   struct error *error);
/* The row of that name, NULL when there is none. `dashes` also finds "base-url". */
const struct conf_setting *conf_setting_find(struct str name, bool dashes);
/* Fills in what has no fixed default: base_url, state_dir, admin_socket, key_file. ERR_INVALID when a path
 * does not fit. */
int conf_compute(struct conf *conf, struct error *error);
/* Built-in defaults, computed ones left empty. */
void conf_defaults(struct conf *conf);

#endif
