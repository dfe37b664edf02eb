#ifndef LIB_CTL_PARAMS_H
#define LIB_CTL_PARAMS_H

#include "lib/base/error.h"
#include "lib/ctl/commands.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"

/*
 * Parameters against the command table: unknown members, wrong types, missing ones, unknown choices, control
 * characters. The same check runs in hubctl before sending and in hubd before a handler is called, so
 * handlers only look at what the values mean. ERR_INVALID with a sentence naming the parameter.
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
