#ifndef CPOSTGRES_H
#define CPOSTGRES_H

/* libpq, the system's client library of PostgreSQL; where its header is, pkg-config says. */
#include <libpq-fe.h>

#endif
