/* A DTLS 1.2 client (RFC 6347) with a pre-shared key (RFC 4279), as small as measuring a server allows: cookie, extended master
 * secret (RFC 7627), connection id of the server's choice with none of our own (RFC 9146). It expects a road without loss: what
 * does not come is a time-out, never sent again. */
#ifndef DTLS_SESSION_H
#define DTLS_SESSION_H
#include "crypto.h"

#define CID_LIMIT 16

enum session_state { SESSION_NONE, SESSION_OPEN, SESSION_CLOSED };

struct session {
  uint8_t write_key[KEY], read_key[KEY], write_iv[IMPLICIT_NONCE], read_iv[IMPLICIT_NONCE];
  uint8_t cid[CID_LIMIT], cid_length;
  uint8_t state;
  uint64_t written;
};

struct credentials {
  enum suite_id suite;
  const char *identity;
  const uint8_t *key;
  size_t key_length;
};

/* What exists only until a session is open. */
struct handshake {
  uint8_t client_random[32], server_random[32];
  uint8_t cookie[255], cookie_length;
  uint16_t next_sent, next_taken;
  uint64_t records;
  bool extended, keyed;
  SHA256_CTX transcript;
  struct prf_secret master;
};

enum progress { WAITS, ANSWERS, COMPLETES, FAILS };

void credentials_use(const struct credentials *credentials);

/* Writes the first flight and returns its length. */
size_t handshake_begin(struct handshake *h, struct session *s, uint8_t *out);
/* Takes a datagram and may overwrite it. ANSWERS: `out` holds a flight of `*length` bytes. FAILS: `*alert` says why, 0 when it
 * is our own verdict. */
enum progress handshake_take(struct handshake *h, struct session *s, uint8_t *bytes, size_t size, uint8_t *out,
                             size_t *length, uint8_t *alert);

/* One record of application data; returns the length of the datagram. */
size_t session_seal(struct session *s, const uint8_t *plain, size_t length, uint8_t *out);
/* The application data of a datagram, decrypted in place; NULL: none, and `s->state` tells if it was closed. */
uint8_t *session_open(struct session *s, uint8_t *bytes, size_t size, size_t *length);
/* Writes the alert that ends the session (RFC 5246 §7.2.1) and returns its length. */
size_t session_close(struct session *s, uint8_t *out);
/* A well-formed record for a connection id that nobody gave out; returns its length. */
size_t session_stray(const struct session *like, uint64_t number, uint8_t *out);
#endif
