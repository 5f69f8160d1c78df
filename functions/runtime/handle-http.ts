import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Decoded } from './application.ts';
import type { Field, HttpRule, Rpc } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { problemOf } from './problem.ts';
import { readBody, readJson, readQuery } from './read-json.ts';
import { refuse } from './refusal.ts';
import { matchRoute } from './route.ts';

/** Answers one HTTP exchange with the function's operation, in proto3 JSON (google.api.http). */
export type HttpHandler = (exchange: Exchange) => void;

/** What /readyz asks. Neither probe touches the database: an outage must not restart what would recover by itself. */
export interface Readiness {
  readonly ready: boolean;
}

type Message = Record<string, unknown>;

export function createHttpHandler(app: Application, readiness: Readiness): HttpHandler {
  const { rpc, limits } = app;
  const maskField = rpc.request.fields.find((field) => field.kind === 'mask');
  const headerFields = rpc.request.fields.filter((field): field is Field & { header: string } => field.header !== undefined);
  const answerOf = answerFor(rpc);
  const budgetMs = limits.timeoutSeconds * 1000;

  const decode = async (
    exchange: Exchange,
    call: ActiveCall,
    rule: HttpRule,
    variables: Record<string, string>,
    progress: { reading: boolean },
  ): Promise<Decoded> => {
    const mark = exchange.target.indexOf('?');
    const inBody = rule.body === '*' ? rpc.request.fields.map((field) => field.name) : rule.body === undefined ? [] : [rule.body];
    const bound = [...Object.keys(variables), ...inBody];
    const fromQuery = readQuery(rpc.request, mark < 0 ? '' : exchange.target.slice(mark + 1), bound);
    let message = fromQuery.message as Message;
    let violations = fromQuery.violations;
    if (rule.body !== undefined) {
      checkMediaType(exchange, rule.method);
      progress.reading = true;
      const bytes = await exchange.body(limits.bodyBytesMax);
      progress.reading = false;
      call.requestBytes = bytes.length;
      const field = rpc.request.fields.find((candidate) => candidate.name === rule.body);
      const body = readJson(field?.message?.() ?? rpc.request, readBody(bytes), field === undefined ? [] : [field.name]);
      violations = [...violations, ...body.violations];
      if (field === undefined) message = body.message as Message;
      else message[field.json] = body.message;
      if (maskField !== undefined) {
        const named = message[maskField.json] as string[] | undefined;
        if (rule.method === 'PUT') message[maskField.json] = ['*'];
        else if (named === undefined || named.length === 0) message[maskField.json] = body.present;
      }
    }
    for (const field of rpc.request.fields) if (variables[field.name] !== undefined) message[field.json] = variables[field.name];
    for (const field of headerFields) {
      const value = exchange.header(field.header);
      if (value !== undefined) message[field.json] = value;
    }
    return { message, violations };
  };

  return (exchange) => {
    const call = app.arrive((name) => exchange.header(name));
    let route = '';
    let timer: NodeJS.Timeout | undefined;
    const progress = { reading: false };

    const end = (status: number, headers: Record<string, string>, body: string, refusal?: ReturnType<typeof asRefusal>): void => {
      if (exchange.answered) return;
      clearTimeout(timer);
      headers['x-request-id'] = call.requestId;
      headers['cache-control'] = 'no-store';
      exchange.answer(status, headers, body);
      app.ended(
        call,
        call.outcome({
          dialect: exchange.dialect,
          method: exchange.method,
          route,
          status,
          code: refusal?.row.grpc ?? 'OK',
          reason: refusal?.reason,
          responseBytes: body.length,
          cause: refusal?.cause,
        }),
      );
    };
    const fail = (thrown: unknown): void => {
      const refusal = asRefusal(thrown);
      const problem = problemOf(refusal, call.requestId, rpc);
      end(problem.status, problem.headers, problem.body, refusal);
    };

    try {
      if (exchange.headerBytes > limits.headerBytesMax) throw refuse('HEADERS_TOO_LARGE');
      const mark = exchange.target.indexOf('?');
      const path = mark < 0 ? exchange.target : exchange.target.slice(0, mark);
      if (path === '/livez' || path === '/readyz') {
        route = path;
        if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw refuse('METHOD_NOT_ALLOWED', { allow: ['GET', 'HEAD'] });
        if (path === '/readyz' && !readiness.ready) throw refuse('DRAINING');
        return end(200, { 'content-type': 'application/json' }, '{"status":"ok"}');
      }
      const match = matchRoute(rpc.http, exchange.method, path);
      if (match === undefined) throw refuse('ROUTE_NOT_FOUND');
      if ('allow' in match) {
        route = rpc.http[0]?.path ?? '';
        throw refuse('METHOD_NOT_ALLOWED', { allow: match.allow });
      }
      route = match.rule.path;
      timer = setTimeout(() => {
        const late = refuse(progress.reading ? 'REQUEST_TIMEOUT' : 'DEADLINE_EXCEEDED');
        call.abort(late);
        fail(late);
      }, budgetMs);
      exchange.onGone(() => {
        const gone = refuse('CANCELLED');
        call.abort(gone);
        fail(gone);
      });
      app
        .perform(call, exchange.header('authorization'), () => decode(exchange, call, match.rule, match.variables, progress))
        .then((response) => {
          const answer = answerOf(response as Message, match.rule);
          end(answer.status, answer.headers, answer.body);
        })
        .catch(fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
}

function checkMediaType(exchange: Exchange, method: string): void {
  const type = exchange.header('content-type') ?? '';
  const semicolon = type.indexOf(';');
  const essence = (semicolon < 0 ? type : type.slice(0, semicolon)).trim().toLowerCase();
  if (essence === 'application/json') return;
  if (method === 'PATCH' && essence === 'application/merge-patch+json') return; // RFC 7396, which is what PATCH does here
  throw refuse('UNSUPPORTED_MEDIA_TYPE');
}

/** How a response message becomes an HTTP answer; what can be known beforehand is found once. */
function answerFor(rpc: Rpc) {
  const empty = rpc.successStatus === 204;
  return (response: Message, rule: HttpRule): { status: number; headers: Record<string, string>; body: string } => {
    if (empty) return { status: 204, headers: {}, body: '' };
    const field =
      rule.responseBody === undefined ? undefined : rpc.response.fields.find((candidate) => candidate.name === rule.responseBody);
    const body = field === undefined ? response : (response[field.json] as Message);
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    // ts-proto's messages hold only kinds whose JSON is proto3 JSON; the generator asserts it.
    const etag = field === undefined ? undefined : body.etag;
    if (typeof etag === 'string' && etag !== '') headers.etag = etag.startsWith('"') ? etag : `"${etag}"`;
    return { status: rpc.successStatus, headers, body: JSON.stringify(body) };
  };
}
