#ifndef LIB_CTL_PARAMS_H
#define LIB_CTL_PARAMS_H

#include "lib/base/error.h"
#include "lib/ctl/commands.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"

/*
 * Checks parameters against the command table: unknown members, wrong types, missing ones, unknown choices,
 * control characters. hubctl makes this check before it sends and hubd before it calls a handler, so handlers
 * only judge what the values mean. ERR_INVALID with a sentence that names the parameter.
 */
int ctl_params_check(const struct ctl_command *command, const struct json_value *params, struct error *error);

/* One value, without the parameter's name in the sentence: "no party id; write it as IN-ABC". For values that
 * come in another way than as a parameter. `beside`: the object whose member it is, by the parameters' keys.
 */
int ctl_value_check(const struct ctl_param *param, const struct json_value *value,
                    const struct json_value *beside, struct error *error);

/* The whole table as rpc.discover answers it. */
void ctl_discover(struct json_writer *writer);

#endif
