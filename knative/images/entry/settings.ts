import { readFileSync } from 'node:fs';

/** What a program cannot go on from; its message says what to do. */
export class Fault extends Error {}

/**
 * A variable's value, or the content of the file that NAME_FILE names: secrets come in either way.
 * @throws Fault where neither is there
 */
export function setting(name: string, environment: NodeJS.ProcessEnv = process.env): string {
  const value = optional(name, environment);
  if (value === undefined) throw new Fault(`${name} is missing: set it, or ${name}_FILE to a file that holds it.`);
  return value;
}

export function optional(name: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const file = environment[`${name}_FILE`];
  // An editor's newline at the end is nobody's password.
  return file ? readFileSync(file, 'utf8').replace(/\n$/, '') : environment[name] || undefined;
}

/** One line of JSON on stdout, as the functions log. */
export const log = (severity: 'INFO' | 'ERROR', message: string): void =>
  console.log(JSON.stringify({ time: new Date().toISOString(), severity, message }));

/** Runs a program's work, and ends the process with 1 and one line where it fails. */
export async function main(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    log('ERROR', error instanceof Fault ? error.message : `${(error as Error).message || (error as Error).stack}`);
    process.exitCode = 1;
  }
}
