import { spawn } from 'node:child_process';
import { curlHttp3 } from '../tools/debian.ts';
import { DemoFailed, type Edge, notRunning } from './edge.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, headersOf, parseBody } from './http.ts';

/**
 * A client over HTTP/3: the real curl with --http3-only, which fails rather than fall back, and which says what was
 * negotiated. Each request is a process and a connection of its own.
 */
export async function http3Client(edge: Edge): Promise<HttpClient> {
  const [program = '', ...before] = await curlHttp3();
  return {
    async send(request) {
      // By stdin, so that neither token nor password shows in the list of processes.
      const said = await run(program, [...before, '--config', '-'], configOf(edge, request));
      if (said.code === 7 || said.code === 28) throw notRunning(edge, new Error(said.stderr.trim()));
      if (said.code !== 0) throw new DemoFailed(`curl ended with ${said.code}: ${said.stderr.trim()}`);
      return parse(said.stdout);
    },
    close: () => {},
  };
}

const marker = '\n--- ';

function configOf(edge: Edge, request: HttpRequest): string {
  const lines: [string, string][] = [
    ['url', edge.origin + request.path],
    ['request', request.method],
    ['cacert', edge.caFile],
    ['connect-to', `${edge.host}:${edge.port}:${edge.address}:${edge.port}`],
    ['max-time', '15'],
    ['write-out', `${marker}%{http_version} %{http_code} %{header_json}`],
    ...Object.entries(headersOf(request)).map(([name, value]): [string, string] => ['header', `${name}: ${value}`]),
  ];
  if (request.body !== undefined) lines.push(['data-binary', JSON.stringify(request.body)]);
  return ['http3-only', 'silent', 'show-error', ...lines.map(([name, value]) => `${name} = ${quoted(value)}`)].join('\n');
}

/** As curl's config file wants it: \\ \" \n are all that it needs. */
const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

function parse(stdout: string): HttpAnswer {
  const at = stdout.lastIndexOf(marker);
  const [, version = '', status = '', headers = '{}'] = /^(\S+) (\d+) (.*)$/s.exec(stdout.slice(at + marker.length)) ?? [];
  const received = Object.entries(JSON.parse(headers) as Record<string, string[]>).map(([name, values]) => [name, values.join(', ')]);
  return {
    status: Number(status),
    headers: Object.fromEntries(received),
    body: parseBody(stdout.slice(0, at)),
    protocol: `HTTP/${version}`,
  };
}

function run(program: string, args: readonly string[], input: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(chunks).toString(), stderr }));
    child.stdin.end(input);
  });
}
