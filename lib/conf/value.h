#ifndef LIB_CONF_VALUE_H
#define LIB_CONF_VALUE_H

#include "lib/conf/conf.h"

/*
 * Sets one setting from `text`, what stands behind the equals sign. A list is comma separated; `append` adds to the
 * items that are there. ERR_INVALID with what is wrong and what to write instead.
 */
int conf_value_set(struct conf *conf, const struct conf_setting *setting, const char *text, bool append,
                   struct error *error);
/* The setting of that name; NULL when there is none. `dashes`: "base-url" is found like "base_url". */
const struct conf_setting *conf_setting_find(struct str name, bool dashes);
/* Computes the settings that are empty and have no fixed default: base_url, state_dir, admin_socket, key_file.
 * ERR_INVALID when a path does not fit. */
int conf_compute(struct conf *conf, struct error *error);
/* Sets the fixed defaults; computed ones stay empty. */
void conf_defaults(struct conf *conf);

#endif
