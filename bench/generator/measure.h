/* Time, CPU time of ourselves and of the measured processes, latencies, and one JSON object per phase. */
#ifndef MEASURE_H
#define MEASURE_H
#include <stdint.h>

#define MEASURED_PIDS 4

/* Log-linear: 64 steps per power of two of nanoseconds, so 1.6 % wide. */
struct histogram {
  uint64_t count, worst;
  uint32_t steps[64 * 40];
};

struct phase {
  const char *name;
  uint64_t began, ended;
  uint64_t ops, bytes, errors, timeouts, strays;
  /* CoAP code of the last wrong answer; 0: none, or a reset. */
  uint8_t wrong;
  /* Of the last handshake that failed; 0: the server sent none. */
  uint8_t alert;
  uint64_t own_cpu, server_cpu[MEASURED_PIDS];
  struct histogram latency;
};

uint64_t now_ns(void);
void histogram_add(struct histogram *h, uint64_t ns);
double histogram_us(const struct histogram *h, double quantile);

/* Names a process whose CPU time and memory each phase reports. */
void measure_pid(int pid);
void phase_begin(struct phase *phase, const char *name);
void phase_end(struct phase *phase);
/* One line of JSON on standard output. */
void phase_print(const struct phase *phase);
#endif
