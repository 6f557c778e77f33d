// What the gateway counts: one closed list of names, read as an immutable snapshot. Every message or command that goes
// nowhere has a line here.

const names = [
  /** Commands that reached a device or were refused; one for each device. */
  'commands.received',
  'commands.refused',
  'commands.answered',
  'commands.timeout',
  'commands.reset',
  'commands.failed',
  /** Written down, to wait for a device that sleeps. */
  'commands.queued',
  /** The gateway stopped while they were under way: told once. */
  'commands.unknown',
  /** Redelivered by the broker after it was executed. */
  'commands.duplicate',
  /** Same id and same text as one under way: executed once, answered twice. */
  'commands.joined',
  /** Retained messages on a command topic. */
  'commands.retained',
  /** Messages on the command subscription that belong to no device's topic. */
  'commands.unrouted',
  'uplink.registers',
  'uplink.updates',
  'uplink.notifications',
  'uplink.undecodable',
  'uplink.sends',
  /** Updates and registers held back by `update_msg_publish_condition`. */
  'uplink.withheld',
  'uplink.lifecycle',
  /** Observations that were made again by themselves, and attempts that came to nothing. */
  'observations.renewed',
  'observations.not_renewed',
  /** Writes to the store that failed; records of it that could not be read. */
  'store.failed',
  'store.unreadable',
  'credentials.unreadable',
  'mqtt.published',
  'mqtt.acknowledged',
  /** Sent again after a lost connection. */
  'mqtt.resent',
  /** Publications the broker refused (MQTT 5 reason codes). */
  'mqtt.refused',
  'mqtt.dropped_notifications',
  'mqtt.dropped_kept',
  'mqtt.connects',
  'mqtt.disconnects',
  /** Clients that the embedded broker did not let in, and connections that it cut for what they did. */
  'broker.refused',
  'broker.cut',
  'auto_observe.requested',
  'auto_observe.failed',
  'auto_observe.skipped',
  /** Sessions of the bootstrap server, requests that led to none, and commands to it. */
  'bootstrap.started',
  'bootstrap.finished',
  'bootstrap.failed',
  'bootstrap.refused',
  'bootstrap.commands',
  'logins.allowed',
  'logins.denied',
  /** The authentication service did not answer as it should; the device is refused. */
  'logins.unavailable',
  'logins.address_refused',
  /** The credentials speak for another name. */
  'logins.not_owner',
  'logins.too_fast',
  'logins.too_many',
  'log.suppressed',
] as const;

export type MetricName = (typeof names)[number];
export type MetricsSnapshot = { readonly [name in MetricName]: number };

export class Metrics {
  private readonly counts = Object.fromEntries(names.map((name) => [name, 0])) as { [name in MetricName]: number };

  add(name: MetricName, count = 1): void {
    this.counts[name] += count;
  }

  snapshot(): MetricsSnapshot {
    return Object.freeze({ ...this.counts });
  }
}
