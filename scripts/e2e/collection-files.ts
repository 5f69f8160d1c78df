import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Readable, Writable } from 'node:stream';
import type { ImportRecordsResponse } from '../../proto/generated/records.ts';
import type { Edge } from '../demo/edge.ts';
import type { ClientShell } from './clients.ts';

/** An account of its own, as curl and grpcurl name it. */
export interface Account {
  readonly userId: string;
  readonly token: string;
  /** The option that says so. */
  readonly bearer: string;
}

export const answersOf = (text: string): ImportRecordsResponse[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Brings collections in and takes them out through an edge, with the programs that people have. */
export class CollectionFiles {
  readonly #shell: ClientShell;
  readonly #at: string;

  constructor(shell: ClientShell, edgePort: number) {
    this.#shell = shell;
    this.#at = `record.local:${edgePort}`;
  }

  url(path: string): string {
    return `https://${this.#at}${path}`;
  }

  /** @returns what the command wrote; it must end well */
  async run(command: string): Promise<string> {
    const ended = await this.#shell.run(command, { curlrc: ['insecure', 'max-time = 120', 'fail-with-body'] });
    assert.equal(ended.code, 0, `${command}\n${ended.stdout.slice(-500)}\n${ended.stderr}`);
    return ended.stdout;
  }

  async newAccount(): Promise<Account> {
    const body = JSON.stringify({ email: `${randomUUID()}@example.com`, password: 'correct horse' });
    const text = await this.run(`curl -H 'content-type: application/json' -d '${body}' ${this.url('/api/auth/register')}`);
    const { token, user } = JSON.parse(text);
    return { userId: user.id, token, bearer: `-H 'authorization: Bearer ${token}'` };
  }

  async upload({ bearer }: Account, file: string, flags = '--http2', type = 'text/csv'): Promise<ImportRecordsResponse[]> {
    const send = `-H 'content-type: ${type}' --data-binary @${file}`;
    return answersOf(await this.run(`curl ${flags} ${bearer} ${send} ${this.url('/api/records:import')}`));
  }

  /** @returns the head of the answer */
  download({ bearer }: Account, file: string, flags: string, type: string): Promise<string> {
    return this.run(`curl ${flags} ${bearer} -H 'accept: ${type}' -D - -o ${file} ${this.url('/api/records:export')}`);
  }

  /** Sends each piece of a file as a message. @returns what grpcurl printed */
  uploadOverGrpc({ bearer }: Account, requestsFile: string): Promise<string> {
    return this.run(`grpcurl -insecure ${bearer} -d @ ${this.#at} records.RecordsService/ImportRecords < ${requestsFile}`);
  }

  async downloadOverGrpc({ bearer }: Account): Promise<string> {
    const ask = `-d '{"format":"JSON_LINES"}' ${this.#at} records.RecordsService/ExportRecords`;
    const exported = await this.run(`grpcurl -insecure ${bearer} ${ask}`);
    const pieces = [...exported.matchAll(/"content": "([^"]*)"/g)].map(([, base64]) => Buffer.from(base64 as string, 'base64'));
    return Buffer.concat(pieces).toString();
  }
}

/** The requests of an upload over gRPC, as grpcurl reads them: five pieces. */
export function grpcPieces(file: Buffer): string {
  const size = Math.ceil(file.length / 5);
  const pieces = Array.from({ length: 5 }, (_, index) => file.subarray(index * size, (index + 1) * size));
  return pieces.map((piece) => JSON.stringify({ content: piece.toString('base64') })).join('\n');
}

/** Sends a row at fault, and the rest only when the fault has been told. Asserts that it has, and what the whole answer says. */
async function talk(request: Writable, answer: () => Promise<Readable>): Promise<void> {
  request.write('Artist,Title,Rating\nCan,Landed,9\nCan,Tago Mago,5\n');
  const response = await answer();
  const [fault] = (await once(response, 'data')) as [Buffer];
  assert.match(fault.toString(), /^\{"fault":\{"line":2,"column":"Rating",/);
  let rest = '';
  response.on('data', (piece: Buffer) => {
    rest += piece;
  });
  request.end('Can,Future Days,4\n');
  await once(response, 'end');
  assert.equal(answersOf(rest).at(-1)?.totals?.created, 2);
}

/** What is wrong with a file is told while it still comes: a client that waits for it gets it. */
export const tellsWhileItComes = {
  async 'HTTP/1.1'({ host, port, address, ca }: Edge, token: string): Promise<void> {
    const headers = { host: `${host}:${port}`, authorization: `Bearer ${token}`, 'content-type': 'text/csv' };
    const path = '/api/records:import';
    const request = https.request({ host: address, port, servername: host, ca, method: 'POST', path, headers });
    await talk(request, async () => ((await once(request, 'response')) as [IncomingMessage])[0]);
  },

  async 'HTTP/2'({ host, port, address, ca }: Edge, token: string): Promise<void> {
    const session = http2.connect(`https://${address}:${port}`, { ca, servername: host });
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/api/records:import',
        ':authority': `${host}:${port}`,
        authorization: `Bearer ${token}`,
        'content-type': 'text/csv',
      });
      await talk(stream, async () => stream);
    } finally {
      session.close();
    }
  },
} as const;
