import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';

/** A row: text columns, and jsonb ones where the value is an object. */
export type Row = Readonly<Record<string, string | object>>;

/**
 * Speaks enough of PostgreSQL's protocol (version 3.0, SCRAM-SHA-256) for a function to connect and ask, so that the
 * training run needs no database server. `answer` gives a statement's rows; where there are none, the statement is refused with NOT_FOUND.
 */
export async function startTrainingDatabase(password: string, answer: (statement: string) => readonly Row[]) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    const handle = session(socket, password, answer);
    let rest: Buffer = Buffer.alloc(0);
    let started = false;
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = started ? 1 : 0;
        if (rest.length < head + 4 || rest.length < head + rest.readInt32BE(head)) return;
        const end = head + rest.readInt32BE(head);
        handle(started ? String.fromCharCode(rest[0] as number) : 'startup', rest.subarray(head + 4, end));
        started = true;
        rest = rest.subarray(end);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const cstring = (value: string) => Buffer.from(`${value}\0`);
const message = (type: string, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};

const oidOf = (value: unknown): number => (typeof value === 'string' ? 25 /* text */ : 3802) /* jsonb */;
const cell = (value: string | object): Buffer => {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return Buffer.concat([int32(bytes.length), bytes]);
};
const ready = message('Z', Buffer.from('I'));
/** As a database function refuses (functions/runtime/sql.ts, REFUSED_BY_DATABASE). */
const notFound = message('E', ...['SERROR', 'VERROR', 'CRP000', 'MNOT_FOUND', ''].map(cstring));

function session(socket: net.Socket, password: string, answer: (statement: string) => readonly Row[]) {
  const scram = startScram(password);
  const statements = new Map<string, string>();
  let current = '';
  const description = () => {
    const columns = Object.entries(answer(current)[0] ?? {});
    return message(
      'T',
      int16(columns.length),
      ...columns.map(([name, value]) =>
        Buffer.concat([cstring(name), int32(0), int16(0), int32(oidOf(value)), int16(-1), int32(-1), int16(0)]),
      ),
    );
  };

  return (type: string, body: Buffer): void => {
    const text = (from: number) => body.toString('utf8', from, body.indexOf(0, from));
    switch (type) {
      case 'startup':
        socket.write(message('R', int32(10), cstring('SCRAM-SHA-256'), Buffer.from([0])));
        break;
      case 'p':
        socket.write(scram(body));
        break;
      case 'P': {
        const name = text(0);
        current = text(name.length + 1);
        statements.set(name, current);
        socket.write(message('1'));
        break;
      }
      case 'D': {
        if (body[0] === 83 /* a statement */) {
          current = statements.get(text(1)) ?? '';
          const parameters = Math.max(0, ...[...current.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
          socket.write(message('t', int16(parameters), ...Array.from({ length: parameters }, () => int32(oidOf('')))));
        }
        socket.write(description());
        break;
      }
      case 'B':
        current = statements.get(text(text(0).length + 1)) ?? '';
        socket.write(message('2'));
        break;
      case 'E': {
        const rows = answer(current);
        if (rows.length === 0) {
          socket.write(notFound);
          break;
        }
        for (const row of rows) socket.write(message('D', int16(Object.keys(row).length), ...Object.values(row).map(cell)));
        socket.write(message('C', cstring(`SELECT ${rows.length}`)));
        break;
      }
      case 'Q':
        current = text(0);
        socket.write(Buffer.concat([message('C', cstring('SELECT 0')), ready]));
        break;
      case 'S':
        socket.write(ready);
        break;
      case 'C':
        socket.write(message('3'));
        break;
      case 'X':
        socket.end();
        break;
    }
  };
}

/** The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677). The client's proof is not looked at. */
function startScram(password: string) {
  let firstMessages = '';
  let serverKey = Buffer.alloc(0);
  const hmac = (key: Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  return (body: Buffer): Buffer => {
    if (firstMessages === '') {
      const clientFirst = body.toString('utf8', body.indexOf(0) + 5).slice('n,,'.length);
      const salt = createHash('sha256').update('training').digest();
      const serverFirst = `r=${clientFirst.slice(clientFirst.indexOf('r=') + 2)}${randomBytes(9).toString('base64')},s=${salt.toString('base64')},i=4096`;
      firstMessages = `${clientFirst},${serverFirst}`;
      serverKey = hmac(pbkdf2Sync(password, salt, 4096, 32, 'sha256'), 'Server Key');
      return message('R', int32(11), Buffer.from(serverFirst));
    }
    const clientFinal = body.toString('utf8');
    const signature = hmac(serverKey, `${firstMessages},${clientFinal.slice(0, clientFinal.lastIndexOf(',p='))}`).toString('base64');
    return Buffer.concat([
      message('R', int32(12), Buffer.from(`v=${signature}`)),
      message('R', int32(0)),
      message('S', cstring('server_version'), cstring('17.0')),
      message('S', cstring('client_encoding'), cstring('UTF8')),
      message('K', int32(1), int32(1)),
      ready,
    ]);
  };
}
