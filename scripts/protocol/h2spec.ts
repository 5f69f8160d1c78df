import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { h2spec } from '../tools/go.ts';
import { run } from './clients.ts';

/** One case of h2spec: "http2/5.1 closed: Sends a DATA frame". */
export interface SpecCase {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What would have been right, and last what came instead; empty where it passed. */
  readonly says: string;
}

/** A case that gets no answer fails after that long: most failures are such. */
const timeoutSeconds = 2;

/**
 * Runs h2spec (RFC 9113, RFC 7541) against a port.
 * @param path is asked by its requests; it should answer 200
 * @param sections "http2/5.1/8" …; all of its cases otherwise
 */
export async function runH2spec(port: number, path: string, sections: readonly string[] = []): Promise<SpecCase[]> {
  const folder = mkdtempSync(join(tmpdir(), 'h2spec-'));
  try {
    const report = join(folder, 'report.xml');
    const options = ['-h', '127.0.0.1', '-p', String(port), '-P', path, '-o', String(timeoutSeconds), '-j', report];
    await run([await h2spec(), ...options, ...sections]);
    return readReport(readFileSync(report, 'latin1'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** h2spec writes what it sent into its report, control characters too, so that no XML parser would take it. */
function readReport(xml: string): SpecCase[] {
  const cases = xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g);
  return [...cases].map(([, section, title, inside = '']) => ({
    name: `${section} ${title?.replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&#xA;', ' ')}`,
    outcome: inside.includes('<skipped>') ? 'skipped' : /<(error|failure)>/.test(inside) ? 'failed' : 'passed',
    says: inside.replace(/<[^>]*>/g, ' ').trim(),
  }));
}
