/* The client's side of the handshake, message by message, and the records of an open session. */
#include "session.h"

#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23, WITH_CID = 25 };
enum {
  CLIENT_HELLO = 1,
  SERVER_HELLO = 2,
  HELLO_VERIFY_REQUEST = 3,
  SERVER_KEY_EXCHANGE = 12,
  SERVER_HELLO_DONE = 14,
  CLIENT_KEY_EXCHANGE = 16,
  FINISHED = 20,
};
enum { EXTENDED_MASTER_SECRET = 23, CONNECTION_ID = 54 };

#define VERSION 0xfefd
#define RECORD_HEADER 13
#define MESSAGE_HEADER 12

static const struct credentials *ours;

void credentials_use(const struct credentials *credentials) {
  ours = credentials;
  aead_use(credentials->suite);
}

static uint8_t *put16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return at + 2;
}

static uint8_t *put24(uint8_t *at, unsigned value) {
  *at = (uint8_t)(value >> 16);
  return put16(at + 1, value);
}

static uint8_t *put64(uint8_t *at, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value >> shift);
  return at;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

static unsigned get16(const uint8_t *at) { return (unsigned)(at[0] << 8 | at[1]); }
static unsigned get24(const uint8_t *at) { return (unsigned)at[0] << 16 | get16(at + 1); }

/* getrandom costs a system call; four kilobytes at a time do not. */
static void random_bytes(uint8_t *out, size_t length) {
  static uint8_t pool[4096];
  static size_t left;
  if (left < length) {
    if (getrandom(pool, sizeof pool, 0) != sizeof pool) return;
    left = sizeof pool;
  }
  memcpy(out, pool + sizeof pool - left, length);
  left -= length;
}

/* A record header whose length is filled in by end_record. */
static uint8_t *begin_record(uint8_t *at, uint8_t type, uint64_t epoch_and_number) {
  *at = type;
  put16(at + 1, VERSION);
  put64(at + 3, epoch_and_number);
  return at + RECORD_HEADER;
}

static void end_record(uint8_t *record, const uint8_t *end) {
  put16(record + 11, (unsigned)(end - record - RECORD_HEADER));
}

static uint8_t *message_header(uint8_t *at, uint8_t type, unsigned number, unsigned length) {
  *at = type;
  put24(at + 1, length);
  put16(at + 4, number);
  put24(at + 6, 0);
  put24(at + 9, length);
  return at + MESSAGE_HEADER;
}

static size_t client_hello(struct handshake *h, uint8_t *out) {
  uint8_t *message = begin_record(out, HANDSHAKE, h->records++);
  uint8_t *at = message + MESSAGE_HEADER;
  at = put16(at, VERSION);
  at = put(at, h->client_random, sizeof h->client_random);
  *at++ = 0;
  *at++ = h->cookie_length;
  at = put(at, h->cookie, h->cookie_length);
  at = put16(at, 4);
  at = put16(at, ours->suite);
  /* No renegotiation, RFC 5746 §3.3. */
  at = put16(at, 0x00ff);
  *at++ = 1;
  *at++ = 0;
  at = put16(at, 9);
  at = put16(at, EXTENDED_MASTER_SECRET);
  at = put16(at, 0);
  at = put16(at, CONNECTION_ID);
  at = put16(at, 1);
  *at++ = 0;
  message_header(message, CLIENT_HELLO, h->next_sent++, (unsigned)(at - message - MESSAGE_HEADER));
  end_record(out, at);
  SHA256_Init(&h->transcript);
  SHA256_Update(&h->transcript, message, (size_t)(at - message));
  return (size_t)(at - out);
}

size_t handshake_begin(struct handshake *h, struct session *s, uint8_t *out) {
  memset(h, 0, sizeof *h);
  memset(s, 0, sizeof *s);
  random_bytes(h->client_random, sizeof h->client_random);
  return client_hello(h, out);
}

static bool server_hello(struct handshake *h, struct session *s, const uint8_t *at, const uint8_t *end) {
  if (end - at < 38 || get16(at) != VERSION) return false;
  memcpy(h->server_random, at + 2, 32);
  at += 35 + at[34];
  if (end - at < 3 || get16(at) != (unsigned)ours->suite || at[2] != 0) return false;
  at += 3;
  if (at == end) return true;
  if (end - at < 2 || end - at - 2 != (ptrdiff_t)get16(at)) return false;
  at += 2;
  while (end - at >= 4) {
    unsigned type = get16(at), length = get16(at + 2);
    at += 4;
    if (end - at < (ptrdiff_t)length) return false;
    if (type == EXTENDED_MASTER_SECRET) h->extended = true;
    if (type == CONNECTION_ID) {
      if (length < 1 || at[0] + 1u != length || at[0] > CID_LIMIT) return false;
      s->cid_length = at[0];
      memcpy(s->cid, at + 1, s->cid_length);
    }
    at += length;
  }
  return at == end;
}

static void transcript_so_far(const struct handshake *h, uint8_t *digest) {
  SHA256_CTX copy = h->transcript;
  SHA256_Final(digest, &copy);
}

static void derive(struct handshake *h, struct session *s) {
  uint8_t premaster[256] = {0}, seed[64], block[2 * (KEY + IMPLICIT_NONCE)], master[MASTER];
  struct prf_secret secret;
  size_t length = ours->key_length;
  uint8_t *at = put16(premaster, (unsigned)length) + length;
  at = put(put16(at, (unsigned)length), ours->key, length);
  prf_secret(&secret, premaster, (size_t)(at - premaster));
  if (h->extended) {
    transcript_so_far(h, seed);
    prf(&secret, "extended master secret", seed, 32, master, MASTER);
  } else {
    memcpy(seed, h->client_random, 32);
    memcpy(seed + 32, h->server_random, 32);
    prf(&secret, "master secret", seed, 64, master, MASTER);
  }
  prf_secret(&h->master, master, MASTER);
  memcpy(seed, h->server_random, 32);
  memcpy(seed + 32, h->client_random, 32);
  prf(&h->master, "key expansion", seed, 64, block, sizeof block);
  memcpy(s->write_key, block, KEY);
  memcpy(s->read_key, block + KEY, KEY);
  memcpy(s->write_iv, block + 2 * KEY, IMPLICIT_NONCE);
  memcpy(s->read_iv, block + 2 * KEY + IMPLICIT_NONCE, IMPLICIT_NONCE);
  h->keyed = true;
}

/* Additional data, RFC 6347 §4.1.2.1 or RFC 9146 §5; `length` is that of the plaintext. */
static size_t additional_data(const struct session *s, uint8_t type, const uint8_t *number, size_t length, uint8_t *aad) {
  uint8_t *at = aad;
  if (type == WITH_CID) {
    memset(at, 0xff, 8);
    at += 8;
    *at++ = WITH_CID;
    *at++ = s->cid_length;
    *at++ = WITH_CID;
    at = put(put16(at, VERSION), number, 8);
    at = put(at, s->cid, s->cid_length);
  } else {
    at = put(at, number, 8);
    *at++ = type;
    at = put16(at, VERSION);
  }
  return (size_t)(put16(at, (unsigned)length) - aad);
}

/* A protected record of epoch 1; returns its length. */
static size_t seal(struct session *s, uint8_t type, const uint8_t *plain, size_t length, uint8_t *out) {
  uint8_t inner[2048], aad[64], nonce[NONCE];
  uint8_t *at = begin_record(out, type, (uint64_t)1 << 48 | s->written++);
  const uint8_t *number = out + 3;
  if (s->cid_length > 0) {
    memcpy(inner, plain, length);
    inner[length++] = type;
    plain = inner;
    out[0] = WITH_CID;
    at = put(out + 11, s->cid, s->cid_length) + 2;
  }
  put16(at - 2, (unsigned)(EXPLICIT_NONCE + length + aead_tag()));
  memcpy(nonce, s->write_iv, IMPLICIT_NONCE);
  memcpy(nonce + IMPLICIT_NONCE, number, EXPLICIT_NONCE);
  at = put(at, number, EXPLICIT_NONCE);
  aead_seal(s->write_key, nonce, aad, additional_data(s, out[0], number, length, aad), plain, length, at);
  return (size_t)(at - out) + length + aead_tag();
}

/* A protected record for us, which carries no connection id; returns its plaintext in place. */
static uint8_t *unseal(const struct session *s, uint8_t *record, size_t *length) {
  uint8_t aad[64], nonce[NONCE];
  size_t size = get16(record + 11);
  if (size < EXPLICIT_NONCE + aead_tag()) return NULL;
  uint8_t *body = record + RECORD_HEADER + EXPLICIT_NONCE;
  *length = size - EXPLICIT_NONCE - aead_tag();
  memcpy(nonce, s->read_iv, IMPLICIT_NONCE);
  memcpy(nonce + IMPLICIT_NONCE, record + RECORD_HEADER, EXPLICIT_NONCE);
  size_t aad_length = additional_data(s, record[0], record + 3, *length, aad);
  return aead_open(s->read_key, nonce, aad, aad_length, body, size - EXPLICIT_NONCE) ? body : NULL;
}

/* ClientKeyExchange, ChangeCipherSpec and Finished in one datagram. */
static size_t last_flight(struct handshake *h, struct session *s, uint8_t *out) {
  uint8_t *message = begin_record(out, HANDSHAKE, h->records++);
  size_t identity = strlen(ours->identity);
  uint8_t *at = message_header(message, CLIENT_KEY_EXCHANGE, h->next_sent++, (unsigned)identity + 2);
  at = put(put16(at, (unsigned)identity), ours->identity, identity);
  end_record(out, at);
  SHA256_Update(&h->transcript, message, (size_t)(at - message));
  derive(h, s);
  uint8_t *record = at;
  at = begin_record(record, CHANGE_CIPHER_SPEC, h->records++);
  *at++ = 1;
  end_record(record, at);
  uint8_t finished[MESSAGE_HEADER + VERIFY], digest[32];
  transcript_so_far(h, digest);
  prf(&h->master, "client finished", digest, 32, message_header(finished, FINISHED, h->next_sent++, VERIFY), VERIFY);
  SHA256_Update(&h->transcript, finished, sizeof finished);
  at += seal(s, HANDSHAKE, finished, sizeof finished, at);
  return (size_t)(at - out);
}

static bool finished(const struct handshake *h, const uint8_t *body, size_t length) {
  uint8_t expected[VERIFY], digest[32];
  transcript_so_far(h, digest);
  prf(&h->master, "server finished", digest, 32, expected, VERIFY);
  return length == VERIFY && memcmp(expected, body, VERIFY) == 0;
}

/* One whole handshake message. */
static enum progress take_message(struct handshake *h, struct session *s, const uint8_t *message, size_t size,
                                  uint8_t *out, size_t *length) {
  const uint8_t *body = message + MESSAGE_HEADER, *end = message + size;
  unsigned number = get16(message + 4);
  /* An answer to something older: nothing was lost, so it is a repetition. */
  if (number < h->next_taken) return WAITS;
  if (number > h->next_taken) return FAILS;
  h->next_taken++;
  switch (message[0]) {
    case HELLO_VERIFY_REQUEST:
      if (end - body < 3 || end - body < 3 + body[2] || h->cookie_length > 0) return FAILS;
      h->cookie_length = body[2];
      memcpy(h->cookie, body + 3, h->cookie_length);
      *length = client_hello(h, out);
      return ANSWERS;
    case SERVER_HELLO:
      if (!server_hello(h, s, body, end)) return FAILS;
      break;
    case SERVER_KEY_EXCHANGE:
      break;
    case SERVER_HELLO_DONE:
      SHA256_Update(&h->transcript, message, size);
      *length = last_flight(h, s, out);
      return ANSWERS;
    case FINISHED:
      if (!h->keyed || !finished(h, body, (size_t)(end - body))) return FAILS;
      s->state = SESSION_OPEN;
      return COMPLETES;
    default:
      return FAILS;
  }
  SHA256_Update(&h->transcript, message, size);
  return WAITS;
}

/* All messages of one record, none of them fragmented: what a server has to say here fits one datagram. */
static enum progress take_messages(struct handshake *h, struct session *s, const uint8_t *at, size_t size, uint8_t *out,
                                   size_t *length) {
  enum progress progress = WAITS;
  while (size > 0 && progress != FAILS && progress != COMPLETES) {
    if (size < MESSAGE_HEADER) return FAILS;
    size_t whole = get24(at + 1);
    if (get24(at + 6) != 0 || get24(at + 9) != whole || size - MESSAGE_HEADER < whole) return FAILS;
    enum progress next = take_message(h, s, at, MESSAGE_HEADER + whole, out, length);
    if (next != WAITS) progress = next;
    at += MESSAGE_HEADER + whole;
    size -= MESSAGE_HEADER + whole;
  }
  return progress;
}

/* The length of the record at `bytes`, 0 when what is left is none. */
static size_t record_size(const uint8_t *bytes, size_t left) {
  if (left < RECORD_HEADER) return 0;
  size_t size = RECORD_HEADER + get16(bytes + 11);
  return size <= left ? size : 0;
}

static bool is_protected(const uint8_t *record) { return get16(record + 3) == 1; }

enum progress handshake_take(struct handshake *h, struct session *s, uint8_t *bytes, size_t size, uint8_t *out,
                             size_t *length, uint8_t *alert) {
  enum progress progress = WAITS;
  size_t record;
  *alert = 0;
  for (; (record = record_size(bytes, size)) > 0 && progress != FAILS; bytes += record, size -= record) {
    uint8_t *body = bytes + RECORD_HEADER;
    size_t body_length = record - RECORD_HEADER;
    if (is_protected(bytes)) {
      body = h->keyed ? unseal(s, bytes, &body_length) : NULL;
      if (body == NULL) continue;
    }
    if (bytes[0] == ALERT && body_length == 2 && body[0] == 2) {
      *alert = body[1];
      return FAILS;
    }
    if (bytes[0] != HANDSHAKE) continue;
    enum progress next = take_messages(h, s, body, body_length, out, length);
    if (next != WAITS) progress = next;
  }
  return progress;
}

size_t session_seal(struct session *s, const uint8_t *plain, size_t length, uint8_t *out) {
  return seal(s, APPLICATION_DATA, plain, length, out);
}

uint8_t *session_open(struct session *s, uint8_t *bytes, size_t size, size_t *length) {
  size_t record;
  for (; (record = record_size(bytes, size)) > 0; bytes += record, size -= record) {
    if (!is_protected(bytes) || bytes[0] == HANDSHAKE) continue;
    uint8_t *body = unseal(s, bytes, length);
    if (body == NULL) continue;
    if (bytes[0] == APPLICATION_DATA) return body;
    if (bytes[0] == ALERT) s->state = SESSION_CLOSED;
  }
  return NULL;
}

size_t session_close(struct session *s, uint8_t *out) {
  static const uint8_t close_notify[] = {1, 0};
  s->state = SESSION_CLOSED;
  return seal(s, ALERT, close_notify, sizeof close_notify, out);
}

size_t session_stray(const struct session *like, uint64_t number, uint8_t *out) {
  const size_t ciphertext = 64;
  uint8_t *at = begin_record(out, WITH_CID, (uint64_t)1 << 48 | number);
  at = out + 11;
  random_bytes(at, like->cid_length);
  at = put16(at + like->cid_length, (unsigned)ciphertext);
  random_bytes(at, ciphertext);
  return (size_t)(at - out) + ciphertext;
}
