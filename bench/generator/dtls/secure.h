/* Sessions for simulated peers: opened in bulk, then a layer under any traffic of the engine. */
#ifndef DTLS_SECURE_H
#define DTLS_SECURE_H
#include "../modes.h"

/* Opens a session for each of the engine's peers and puts them under its traffic. Exits with a message when one fails. */
void secure_engine(struct engine *engine, const struct options *options);
#endif
