#include "lib/store/read.h"

#include "lib/store/client.h"
#include "lib/store/history.h"
#include "lib/store/verify.h"

void store_read_registry(struct store_client *client, struct store_registry_read *read)
{
    client_read(client, &read->base, READ_REGISTRY);
}

void store_read_object(struct store_client *client, struct store_object_read *read)
{
    client_read(client, &read->base, READ_OBJECT);
}

void store_read_owners(struct store_client *client, struct store_owners_read *read)
{
    client_read(client, &read->base, READ_OWNERS);
}

void store_read_page(struct store_client *client, struct store_page_read *read)
{
    client_read(client, &read->base, READ_PAGE);
}

void store_read_bodies(struct store_client *client, struct store_bodies_read *read)
{
    client_read(client, &read->base, READ_BODIES);
}

void store_read_waiting(struct store_client *client, struct store_waiting_read *read)
{
    client_read(client, &read->base, READ_WAITING);
}

void store_read_due(struct store_client *client, struct store_due_read *read)
{
    client_read(client, &read->base, READ_DUE);
}

void store_read_delivery(struct store_client *client, struct store_delivery_read *read)
{
    client_read(client, &read->base, READ_DELIVERY);
}

void store_read_deliveries(struct store_client *client, struct store_delivery_list *read)
{
    client_read(client, &read->base, READ_DELIVERIES);
}

void store_read_queues(struct store_client *client, struct store_queues_read *read)
{
    client_read(client, &read->base, READ_QUEUES);
}

void store_read_command(struct store_client *client, struct store_command_read *read)
{
    client_read(client, &read->base, READ_COMMAND);
}

void store_read_commands(struct store_client *client, struct store_command_list *read)
{
    client_read(client, &read->base, READ_COMMANDS);
}

void store_read_audit(struct store_client *client, struct store_audit_read *read)
{
    client_read(client, &read->base, READ_AUDIT);
}

void store_read_trace(struct store_client *client, struct store_trace_read *read)
{
    client_read(client, &read->base, READ_TRACE);
}

void store_read_verify(struct store_client *client, struct store_verify_read *read)
{
    client_read(client, &read->base, READ_VERIFY);
}

void store_read_totals(struct store_client *client, struct store_totals_read *read)
{
    client_read(client, &read->base, READ_TOTALS);
}

void store_read_token_users(struct store_client *client, struct store_token_users_read *read)
{
    client_read(client, &read->base, READ_TOKEN_USERS);
}

void store_read_findings(struct store_client *client, struct store_findings_read *read)
{
    client_read(client, &read->base, READ_FINDINGS);
}

void store_read_refusals(struct store_client *client, struct store_refusals_read *read)
{
    client_read(client, &read->base, READ_REFUSALS);
}

void store_read_receipts(struct store_client *client, struct store_receipts_read *read)
{
    client_read(client, &read->base, READ_RECEIPTS);
}

void store_read_unbilled(struct store_client *client, struct store_unbilled_read *read)
{
    client_read(client, &read->base, READ_UNBILLED);
}

void store_read_conflicts(struct store_client *client, struct store_conflicts_read *read)
{
    client_read(client, &read->base, READ_CONFLICTS);
}

void store_read_stored(struct store_client *client, struct store_stored_read *read)
{
    client_read(client, &read->base, READ_STORED);
}
