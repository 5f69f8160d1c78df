/** One HTTP request of the demo. `body` travels as JSON. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: the demo looks at whatever came
  readonly body: any;
  /** What was negotiated: "HTTP/2", "HTTP/3". */
  readonly protocol: string;
}

/** A client of one HTTP version. */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

/** The headers that a request travels with, whatever the version. */
export const headersOf = (request: HttpRequest): Record<string, string> => ({
  ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
  ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
  ...request.headers,
});

export const parseBody = (text: string): unknown => (text === '' ? undefined : JSON.parse(text));
