// The programs outside npm that tests work with, and what goes untested where one is missing.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Part {
  readonly name: string;
  /** Any one of these programs will do. */
  readonly programs: readonly string[];
  /** Where it comes from. What is Debian's has to be there on CI: tools/install-test-parts installs it. */
  readonly from: 'Debian' | 'Maven' | 'PyPI' | 'Go';
  /** What is not tested without it. */
  readonly without: string;
}

const parts: readonly Part[] = [
  { name: 'mosquitto', programs: ['mosquitto'], from: 'Debian', without: 'the gateway on a broker of its own' },
  { name: 'mosquitto_pub', programs: ['mosquitto_pub'], from: 'Debian', without: 'commands from another MQTT client' },
  { name: 'mosquitto_sub', programs: ['mosquitto_sub'], from: 'Debian', without: 'messages to another MQTT client' },
  {
    name: 'coap-client',
    programs: ['coap-client', 'coap-client-notls', 'coap-client-openssl', 'coap-client-gnutls'],
    from: 'Debian',
    without: 'CoAP with libcoap asking',
  },
  {
    name: 'coap-server',
    programs: ['coap-server', 'coap-server-notls', 'coap-server-openssl', 'coap-server-gnutls'],
    from: 'Debian',
    without: 'CoAP with libcoap answering',
  },
  { name: 'java', programs: ['java'], from: 'Maven', without: 'Leshan and Californium' },
  { name: 'mvn', programs: ['mvn'], from: 'Maven', without: 'Leshan and Californium' },
  { name: 'python3', programs: ['python3'], from: 'PyPI', without: 'aiocoap' },
];

/** Debian keeps daemons outside the path of an ordinary user. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

function isThere(program: string): boolean {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function missingParts(): Part[] {
  return parts.filter(({ programs }) => !programs.some(isThere));
}
