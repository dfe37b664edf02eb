/* Versions (OCPI 2.2.1, Versions module): made from the router table. */
#include <stdio.h>

#include "hubd/modules/modules.h"
#include "hubd/request/request.h"
#include "lib/json/writer.h"

static void versions_write_version(struct request *request, struct json_writer *writer)
{
    char url[512];
    snprintf(url, sizeof url, "%s/ocpi/2.2.1", request->hub->conf.base_url);
    json_object_begin(writer);
    json_field_text(writer, "version", "2.2.1");
    json_field_text(writer, "url", url);
    json_object_end(writer);
}

void versions_list(struct request *request)
{
    struct buffer data = {0};
    struct json_writer writer;
    json_writer_init(&writer, &data);
    json_array_begin(&writer);
    versions_write_version(request, &writer);
    json_array_end(&writer);
    request_answer_data(request, &data);
}

void versions_details(struct request *request)
{
    struct buffer data = {0};
    struct json_writer writer;
    json_writer_init(&writer, &data);
    json_object_begin(&writer);
    json_field_text(&writer, "version", "2.2.1");
    json_key(&writer, "endpoints");
    const struct conf *conf = &request->worker->conf;
    router_write_endpoints(router_conditions(conf), &writer, conf->base_url);
    json_object_end(&writer);
    request_answer_data(request, &data);
}
