// From what the transport is told to what a handshake is told: one direction, once per transport.
import { Decoy } from './handshake/decoy.ts';
import type { HandshakeSettings } from './handshake/settings.ts';
import { defaultSettings } from './handshake/settings.ts';
import type { Settings } from './options.ts';
import { defaultSuites } from './suites/registry.ts';

/** After so many losses datagrams become small. */
const SHRINK_AFTER = 2;

export function machineSettings(settings: Settings, role: 'client' | 'server'): HandshakeSettings {
  const { timers, limits } = settings;
  return {
    ...defaultSettings,
    random: settings.random,
    decoy: new Decoy(),
    suites: settings.suites ?? defaultSuites,
    extendedMasterSecret: settings.extendedMasterSecret,
    recordSizeLimit: settings.recordSizeLimit ?? defaultSettings.recordSizeLimit,
    maxFragmentLength: settings.maxFragmentLength,
    messageLimit: limits.message,
    timers: {
      initial: timers.retransmitAfter,
      longest: timers.retransmitAtMost,
      retransmissions: limits.retransmissions,
      shrinkAfter: SHRINK_AFTER,
      total: role === 'client' ? timers.connect : timers.accept,
      repeatFor: timers.linger,
    },
  };
}
