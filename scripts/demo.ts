import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoFailed, findEdge } from './demo/edge.ts';
import { firstHour } from './demo/first-hour.ts';
import { grpcClients } from './demo/grpc.ts';
import { http2Client } from './demo/http2.ts';
import { http3Client } from './demo/http3.ts';
import { print, Report } from './demo/report.ts';
import { stackSettings } from './stack/state.ts';
import { Remedy } from './tools/install.ts';

const usage = `Usage: npm run demo [-- --url https://record.local:8443 --ca FILE]

A collector's first hour, through the public API of the running local stack: opens an account, loads the sample
collection, searches, corrects, deletes and logs out, over HTTP/2, HTTP/3 and gRPC.

  --url URL   where the API is; else the local stack's edge
  --ca FILE   the root certificate to trust; else the local stack's own
  --help      this text

Exit codes: 0 everything as expected, 1 something was not, 2 wrong usage.
`;

/** @returns exit code: 0 done, 1 failed, 2 wrong usage */
async function demo(args: readonly string[]): Promise<number> {
  let options: { url: string; ca: string; help: boolean };
  try {
    const { edgePort, folder } = stackSettings();
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: 'string', default: `https://record.local:${edgePort}` },
        ca: { type: 'string', default: join(folder, 'ca/root.crt') },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    options = values;
    if (!URL.canParse(options.url)) throw new Error(`${options.url} is no URL`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    const edge = await findEdge(options.url, options.ca);
    const http2 = await http2Client(edge);
    const clients = { http2, http3: await http3Client(edge), grpc: grpcClients(edge) };
    try {
      print(`A collector's first hour at ${edge.origin}\n`);
      const report = new Report();
      await firstHour(edge, clients, report);
      report.end(edge.origin);
    } finally {
      for (const client of Object.values(clients)) client.close();
    }
    return 0;
  } catch (error) {
    const told = error instanceof DemoFailed || error instanceof Remedy;
    process.stderr.write(`${told ? error.message : (error as Error).stack}\n`);
    return 1;
  }
}

process.exitCode = await demo(process.argv.slice(2));
