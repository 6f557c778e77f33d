// Whether this machine lets one process have so many sockets: said before the first device starts, with what mends it.
import { readFileSync } from 'node:fs';

export interface SystemLimits {
  /** Open files of this process; undefined where the system does not say. */
  readonly files: number | undefined;
  /** Ports that the system gives to sockets that ask for none. */
  readonly ports: number | undefined;
}

/** What the program needs beside the sockets of devices. */
const reserve = 64;

/** Of Linux; elsewhere nothing is known. */
export function systemLimits(): SystemLimits {
  const files = /^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1];
  const [, low, high] = /^(\d+)\s+(\d+)/.exec(textOf('/proc/sys/net/ipv4/ip_local_port_range')) ?? [];
  return {
    files: files === undefined ? undefined : Number(files),
    ports: low === undefined || high === undefined ? undefined : Number(high) - Number(low) + 1,
  };
}

/** What stands in the way of so many sockets. */
export function socketProblems(sockets: number, { files, ports }: SystemLimits): readonly string[] {
  const problems: string[] = [];
  if (files !== undefined && sockets + reserve > files)
    problems.push(
      `--devices: ${sockets} sockets, and this process may open ${files} files: raise the limit (ulimit -n ${sockets + reserve}, or LimitNOFILE= of systemd), or share sockets (--sockets 64)`,
    );
  if (ports !== undefined && sockets > ports)
    problems.push(
      `--devices: ${sockets} sockets, and the system has ${ports} ports for them: widen net.ipv4.ip_local_port_range, or share sockets (--sockets 64)`,
    );
  return problems;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
