import type { IncomingMessage, ServerResponse } from 'node:http';
import { createApplication } from './application.ts';
import { readConfig } from './config.ts';
import type { AnyFunction } from './define-function.ts';
import { Http1Exchange } from './exchange-http1.ts';
import { createHttpHandler, type HttpHandler } from './handle-http.ts';

export type HttpFunction = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The operation as the Functions Framework calls it: `functions-framework --target=records-get-record`.
 * The framework owns the port, so HTTP/1.1 JSON is all there is; configuration is read at the first request.
 */
export function httpFunction(definition: AnyFunction): HttpFunction {
  let handle: HttpHandler | undefined;
  return (request, response) => {
    handle ??= createHttpHandler(createApplication(definition, readConfig(process.env), process.env), { ready: true });
    handle(new Http1Exchange(request, response, () => false));
  };
}
