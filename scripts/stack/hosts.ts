import { lookup } from 'node:dns/promises';
import { appendFileSync, readFileSync } from 'node:fs';
import { Remedy } from '../tools/install.ts';

export const hostName = 'record.local';
export const hostsLine = `127.0.0.1 ${hostName}`;
const hostsFile = '/etc/hosts';

/** Where record.local leads on this machine; undefined when nowhere. */
export async function resolveHost(): Promise<string | undefined> {
  return lookup(hostName, { family: 4 }).then(
    ({ address }) => address,
    () => undefined,
  );
}

/**
 * Adds record.local to /etc/hosts, where it isn't there yet.
 * @throws Remedy with the command when this user may not
 */
export function addHost(file = hostsFile): boolean {
  const text = readFileSync(file, 'utf8');
  const named = text.split('\n').some((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1).includes(hostName));
  if (named) return false;
  try {
    appendFileSync(file, `${text.endsWith('\n') || text === '' ? '' : '\n'}${hostsLine}\n`);
  } catch (error) {
    throw new Remedy(`${file} could not be changed: ${(error as Error).message}\n${addHostCommand}`);
  }
  return true;
}

export const addHostCommand = `echo '${hostsLine}' | sudo tee -a ${hostsFile}`;
