#include "net/exchange.h"

#include "base/must.h"
#include "net/conn.h"

void exchange_reply(struct exchange *x, struct response *rs)
{
    MUST(x->is_delivered && x->response == NULL);
    x->is_delivered = false;
    x->response = rs;
    conn_run(x->conn);
}

void exchange_set_data(struct exchange *x, void *data)
{
    x->data = data;
}

void *exchange_data(const struct exchange *x)
{
    return x->data;
}
