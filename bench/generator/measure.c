/* CPU time comes from the process clocks of the kernel: user and system time of all threads, in nanoseconds. */
#define _GNU_SOURCE
#include "measure.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int pids[MEASURED_PIDS];
static unsigned pid_count;

static uint64_t read_clock(clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

static uint64_t process_cpu(int pid) {
  clockid_t id;
  return clock_getcpuclockid(pid, &id) == 0 ? read_clock(id) : 0;
}

static unsigned step_of(uint64_t ns) {
  if (ns < 64) return (unsigned)ns;
  unsigned shift = 57u - (unsigned)__builtin_clzll(ns);
  unsigned step = shift * 64 + 64 + (unsigned)(ns >> shift) - 64;
  unsigned last = sizeof(((struct histogram *)0)->steps) / sizeof(uint32_t) - 1;
  return step < last ? step : last;
}

void histogram_add(struct histogram *h, uint64_t ns) {
  h->count++;
  if (ns > h->worst) h->worst = ns;
  h->steps[step_of(ns)]++;
}

double histogram_us(const struct histogram *h, double quantile) {
  uint64_t wanted = (uint64_t)(quantile * (double)h->count), seen = 0;
  unsigned count = sizeof h->steps / sizeof h->steps[0];
  for (unsigned i = 0; i < count; i++) {
    seen += h->steps[i];
    if (seen > wanted) {
      if (i < 128) return i / 1e3;
      unsigned shift = i / 64 - 1;
      return (double)((uint64_t)(i % 64 + 64) << shift) / 1e3;
    }
  }
  return (double)h->worst / 1e3;
}

void measure_pid(int pid) {
  if (pid_count < MEASURED_PIDS) pids[pid_count++] = pid;
}

void phase_begin(struct phase *phase, const char *name) {
  memset(phase, 0, sizeof *phase);
  phase->name = name;
  for (unsigned i = 0; i < pid_count; i++) phase->server_cpu[i] = process_cpu(pids[i]);
  phase->own_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  phase->began = now_ns();
}

void phase_end(struct phase *phase) {
  phase->ended = now_ns();
  phase->own_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - phase->own_cpu;
  for (unsigned i = 0; i < pid_count; i++) phase->server_cpu[i] = process_cpu(pids[i]) - phase->server_cpu[i];
}

static double resident_mib(int pid) {
  char name[32];
  long pages = 0;
  snprintf(name, sizeof name, "/proc/%d/statm", pid);
  FILE *file = fopen(name, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

static void print_list(const char *key, const struct phase *phase) {
  double ops = phase->ops > 0 ? (double)phase->ops : 1;
  printf(",\"%s\":[", key);
  for (unsigned i = 0; i < pid_count; i++) {
    double value = key[0] == 'c' ? (double)phase->server_cpu[i] / 1e3 / ops : resident_mib(pids[i]);
    printf("%s%.3f", i == 0 ? "" : ",", value);
  }
  printf("]");
}

void phase_print(const struct phase *phase) {
  double seconds = (double)(phase->ended - phase->began) / 1e9;
  double ops = phase->ops > 0 ? (double)phase->ops : 1;
  printf("{\"phase\":\"%s\",\"ops\":%llu,\"seconds\":%.4f,\"rate\":%.1f,\"bytes\":%llu", phase->name,
         (unsigned long long)phase->ops, seconds, (double)phase->ops / seconds, (unsigned long long)phase->bytes);
  printf(",\"errors\":%llu,\"timeouts\":%llu,\"strays\":%llu", (unsigned long long)phase->errors,
         (unsigned long long)phase->timeouts, (unsigned long long)phase->strays);
  if (phase->wrong != 0) printf(",\"wrong\":\"%u.%02u\"", phase->wrong >> 5, phase->wrong & 31);
  if (phase->alert != 0) printf(",\"wrong\":\"alert %u\"", phase->alert);
  printf(",\"p50Us\":%.1f,\"p99Us\":%.1f,\"worstUs\":%.1f", histogram_us(&phase->latency, 0.5),
         histogram_us(&phase->latency, 0.99), (double)phase->latency.worst / 1e3);
  printf(",\"generatorCpuUs\":%.3f,\"generatorShare\":%.3f", (double)phase->own_cpu / 1e3 / ops,
         (double)phase->own_cpu / 1e9 / seconds);
  print_list("cpuUs", phase);
  print_list("rssMib", phase);
  printf("}\n");
  fflush(stdout);
}
