import type { Names } from './names.ts';

/**
 * The .proto file with the rpc at the end of its service and its two messages at the end of the file.
 * @throws Error where the service is missing or the name is taken.
 */
export function addToProto(proto: string, { domain, rpc, service, path }: Names): string {
  for (const [pattern, what] of [
    [`\\brpc ${rpc}\\b`, `an rpc ${rpc}`],
    [`\\bmessage ${rpc}(Request|Response)\\b`, `a message ${rpc}Request or ${rpc}Response`],
    [`"${path}"`, `an rpc at ${path}`],
  ] as const)
    if (new RegExp(pattern).test(proto)) throw new Error(`proto/${domain}.proto has ${what} already: choose another name`);

  const start = proto.indexOf(`\nservice ${service} {`);
  // The service's own closing brace stands at the beginning of a line; those inside are indented.
  const end = start < 0 ? -1 : proto.indexOf('\n}', start + 1);
  if (end < 0) throw new Error(`proto/${domain}.proto has no service ${service}`);

  return `${proto.slice(0, end)}

  // The caller's account, and when the database answered. TODO: say what it does; OpenAPI shows this comment.
  rpc ${rpc}(${rpc}Request) returns (${rpc}Response) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "${path}"};
    option (platform.access) = CALLER;
  }${proto.slice(end).trimEnd()}

message ${rpc}Request {
  string user_id = 1 [(platform.rule) = {
    caller: true
    format: "uuid"
  }];
}

message ${rpc}Response {
  string user_id = 1;
  // RFC 3339.
  string answered_at = 2;
}
`;
}
